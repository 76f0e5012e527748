"""Certificates in PEM, with advice for those that are pasted wrongly."""

from cryptography import x509

BEGIN = "-----BEGIN CERTIFICATE-----"

BROKEN = "that is not a whole certificate: paste it again, with its line breaks, below `|-`"


def authority(text: str) -> str | None:
    """Advice for the certificate of a private authority, or several of them."""
    if "PRIVATE KEY" in text:
        return "that is a private key, which belongs to the authority alone: write its certificate, and replace the key"
    if BEGIN not in text:
        return f"write the whole block that begins with {BEGIN}, below `|-`"
    # A block of one line is none to OpenSSL, though others read it.
    if BEGIN not in text.splitlines():
        return BROKEN
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return BROKEN
    for certificate in found:
        if not _may_sign(certificate):
            return "one of them is a server's certificate: write that of the authority which signed it"
    return None


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
