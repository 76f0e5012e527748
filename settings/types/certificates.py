"""Check of CA certificates in PEM, which returns a remedy for a wrong value."""

from cryptography import x509

BEGIN = "-----BEGIN CERTIFICATE-----"

BROKEN = "the certificate is incomplete: paste it again with its line breaks below `|-`"


def authority(text: str) -> str | None:
    """Remedy for wrong CA certificates in PEM; None for one or more valid ones."""
    if "PRIVATE KEY" in text:
        return "the text has a private key, which only the CA may have: write only the certificate, and replace the key"
    if BEGIN not in text:
        return f"write the whole block that begins with {BEGIN}, below `|-`"
    # OpenSSL rejects a block in one line, though other libraries read it.
    if BEGIN not in text.splitlines():
        return BROKEN
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return BROKEN
    for certificate in certificates:
        if not _may_sign(certificate):
            return "one of the certificates is a server certificate: write the certificate of the CA that signed it"
    return None


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
