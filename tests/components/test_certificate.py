import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from components.exposure.certificate import (
    VALIDITY,
    CertificateArgs,
    Pair,
    SelfSignedCertificate,
    authority_certificate,
    private_key,
    self_signed,
)
from tests.cloud import autoname
from tests.harness import deploy

HOST = "mlflow.example.com"
HOSTS = {"host": HOST, "identity": "dex.mlflow.example.com"}
ISSUED = dt.date(2026, 11, 1)
SEED = b"0123456789abcdef0123456789abcdef"
AUTHORITY = authority_certificate(SEED, HOST)
MADE = self_signed(SEED, HOST, ISSUED)


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def verify(pair: Pair, host: str, day: dt.date, *, authority: str = AUTHORITY) -> None:
    """Verify a certificate like a strict client on a given day."""
    time = dt.datetime.combine(day, dt.time(12), dt.UTC)
    builder = PolicyBuilder().store(Store([certificate(authority)])).time(time)
    builder.build_server_verifier(x509.DNSName(host)).verify(certificate(pair.certificate), [])


def yesterdays() -> Pair:
    """A certificate that is valid now, for clients that read the clock."""
    return self_signed(SEED, HOST, dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))


def handshake(pair: Pair, host: str, folder: Path) -> None:
    """A TLS connection in memory, as strict as Python 3.13 is by default."""
    for name, pem in (("crt", pair.certificate), ("key", pair.key)):
        (folder / name).write_text(pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "crt", folder / "key")
    asking = ssl.create_default_context(cadata=AUTHORITY)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname=host)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.version() == "TLSv1.3"


def test_a_strict_client_accepts_the_certificate() -> None:
    verify(MADE, HOST, ISSUED)


def test_a_tls_connection_as_python_3_13_makes_it_succeeds(tmp_path: Path) -> None:
    handshake(yesterdays(), HOST, tmp_path)


def test_a_client_refuses_the_certificate_for_another_host(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        verify(MADE, "other.example.com", ISSUED)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(yesterdays(), "other.example.com", tmp_path)


def test_a_long_host_name_is_no_obstacle() -> None:
    host = f"{'a' * 60}.{'b' * 60}.example.com"
    verify(self_signed(SEED, host, ISSUED), host, ISSUED, authority=authority_certificate(SEED, host))


def test_the_certificate_is_valid_for_825_days_from_the_configured_one() -> None:
    assert dt.timedelta(days=825) == VALIDITY
    verify(MADE, HOST, ISSUED + dt.timedelta(days=824))
    for day in (ISSUED - dt.timedelta(days=1), ISSUED + VALIDITY):
        with pytest.raises(VerificationError):
            verify(MADE, HOST, day)


def test_the_same_arguments_give_the_same_certificate() -> None:
    assert self_signed(SEED, HOST, ISSUED) == MADE
    assert authority_certificate(SEED, HOST) == AUTHORITY


def test_another_seed_gives_other_keys() -> None:
    other = self_signed(SEED[::-1], HOST, ISSUED)
    assert other.key != MADE.key
    with pytest.raises(VerificationError):
        verify(other, HOST, ISSUED)
    verify(other, HOST, ISSUED, authority=authority_certificate(SEED[::-1], HOST))


def test_each_host_has_a_key_of_its_own() -> None:
    other = self_signed(SEED, "dex.mlflow.example.com", ISSUED)
    assert other.key != MADE.key
    verify(other, "dex.mlflow.example.com", ISSUED)


def test_a_later_date_renews_the_certificate_and_keeps_ca_certificate_and_key() -> None:
    renewed = self_signed(SEED, HOST, dt.date(2028, 6, 1))
    assert renewed.key == MADE.key
    assert certificate(renewed.certificate).serial_number != certificate(MADE.certificate).serial_number
    verify(renewed, HOST, dt.date(2028, 6, 1))


def test_the_private_key_is_that_of_the_certificate_and_not_that_of_the_authority() -> None:
    key = serialization.load_pem_private_key(MADE.key.encode(), None).public_key()
    assert key == certificate(MADE.certificate).public_key()
    assert key != certificate(AUTHORITY).public_key()


def test_the_server_key_may_serve_and_the_authority_key_may_sign() -> None:
    served, authority = certificate(MADE.certificate).extensions, certificate(AUTHORITY).extensions
    usage = served.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    assert list(served.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not served.get_extension_for_class(x509.BasicConstraints).value.ca
    signing = authority.get_extension_for_class(x509.KeyUsage)
    assert signing.critical
    assert (signing.value.key_cert_sign, signing.value.crl_sign) == (True, True)
    constraints = authority.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=True, path_length=0)


def test_the_ca_certificate_is_invalid_for_other_names() -> None:
    with pytest.raises(VerificationError):
        verify(self_signed(SEED, "bank.example.org", ISSUED), "bank.example.org", ISSUED)
    verify(self_signed(SEED, f"dex.{HOST}", ISSUED), f"dex.{HOST}", ISSUED)


@pytest.mark.parametrize("seed", [b"", b"x", bytes(32), b"\xff" * 64])
def test_every_seed_gives_a_usable_key(seed: bytes) -> None:
    assert private_key(seed, "server").private_numbers() != private_key(seed, "authority").private_numbers()


def test_serial_numbers_are_positive_and_short_enough() -> None:
    for pem in (MADE.certificate, AUTHORITY):
        assert 0 < certificate(pem).serial_number < 2**159


def published(name: str) -> dict[str, object]:
    args = CertificateArgs(namespace="mlflow", domain=HOST, hosts=HOSTS, issued=ISSUED)
    component = SelfSignedCertificate(name, args).certificate
    return {f"{name}-authority": component.authority, f"{name}-secrets": component.secret_names}


def test_the_keys_are_secret_and_the_authority_is_not() -> None:
    got = deploy(lambda: published("tls"))
    assert got.outputs[""]["tls-secrets"] == {host: autoname(f"tls-{role}") for role, host in HOSTS.items()}
    authority = got.outputs[""]["tls-authority"]
    for role, host in HOSTS.items():
        secret = got[f"tls-{role}"]
        assert secret.inputs["type"] == "kubernetes.io/tls"
        assert secret.secrets.keys() == {"stringData.tls.crt", "stringData.tls.key"}
        data = secret.inputs["stringData"]
        verify(Pair(certificate=data["tls.crt"], key=data["tls.key"]), host, ISSUED, authority=authority)


def test_two_certificates_have_authorities_of_their_own() -> None:
    got = deploy(lambda: {**published("one"), **published("two")})
    assert got.exports["one-authority"] != got.exports["two-authority"]
