import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

import components as c
from components.certificate import VALIDITY, Pair, private_key, self_signed
from tests.cloud import autoname
from tests.harness import deploy

HOSTS = ["mlflow.example.com", "dex.mlflow.example.com"]
ISSUED = dt.date(2026, 11, 1)
SEED = b"0123456789abcdef0123456789abcdef"
MADE = self_signed(SEED, HOSTS, ISSUED)


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def verify(pair: Pair, host: str, day: dt.date, *, authority: str = MADE.authority) -> None:
    """As a strict client would on a day."""
    time = dt.datetime.combine(day, dt.time(12), dt.UTC)
    verifier = (
        PolicyBuilder().store(Store([certificate(authority)])).time(time).build_server_verifier(x509.DNSName(host))
    )
    verifier.verify(certificate(pair.certificate), [])


def handshake(pair: Pair, host: str, folder: Path) -> None:
    """A TLS connection in memory, with what Python 3.13 demands by default."""
    for name, pem in (("crt", pair.certificate), ("key", pair.key)):
        (folder / name).write_text(pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "crt", folder / "key")
    asking = ssl.create_default_context(cadata=pair.authority)
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


@pytest.mark.parametrize("host", HOSTS)
def test_a_strict_client_accepts_the_certificate_for_each_host(host: str) -> None:
    verify(MADE, host, ISSUED)


@pytest.mark.parametrize("host", HOSTS)
def test_a_tls_connection_as_python_3_13_makes_it_succeeds(host: str, tmp_path: Path) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    handshake(self_signed(SEED, HOSTS, yesterday), host, tmp_path)


def test_a_client_refuses_the_certificate_for_another_host(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        verify(MADE, "other.example.com", ISSUED)
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(self_signed(SEED, HOSTS, yesterday), "other.example.com", tmp_path)


def test_the_certificate_is_valid_for_825_days_from_the_configured_one() -> None:
    assert dt.timedelta(days=825) == VALIDITY
    verify(MADE, HOSTS[0], ISSUED + dt.timedelta(days=824))
    for day in (ISSUED - dt.timedelta(days=1), ISSUED + VALIDITY):
        with pytest.raises(VerificationError):
            verify(MADE, HOSTS[0], day)


def test_the_same_arguments_give_the_same_certificate() -> None:
    assert self_signed(SEED, HOSTS, ISSUED) == MADE


def test_another_seed_gives_other_keys() -> None:
    other = self_signed(SEED[::-1], HOSTS, ISSUED)
    assert other.key != MADE.key
    assert certificate(other.authority).public_key() != certificate(MADE.authority).public_key()
    with pytest.raises(VerificationError):
        verify(other, HOSTS[0], ISSUED)


def test_a_later_date_renews_the_certificate_and_keeps_the_authority() -> None:
    renewed = self_signed(SEED, HOSTS, dt.date(2028, 6, 1))
    assert renewed.authority == MADE.authority
    assert certificate(renewed.certificate).serial_number != certificate(MADE.certificate).serial_number
    verify(renewed, HOSTS[0], dt.date(2028, 6, 1), authority=MADE.authority)


def test_the_private_key_is_that_of_the_certificate_and_not_that_of_the_authority() -> None:
    key = serialization.load_pem_private_key(MADE.key.encode(), None).public_key()
    assert key == certificate(MADE.certificate).public_key()
    assert key != certificate(MADE.authority).public_key()


def test_the_server_key_may_serve_and_the_authority_key_may_sign() -> None:
    served, authority = certificate(MADE.certificate).extensions, certificate(MADE.authority).extensions
    usage = served.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    assert list(served.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not served.get_extension_for_class(x509.BasicConstraints).value.ca
    signing = authority.get_extension_for_class(x509.KeyUsage)
    assert signing.critical
    assert (signing.value.key_cert_sign, signing.value.crl_sign) == (True, True)
    assert authority.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
        ca=True, path_length=0
    )


@pytest.mark.parametrize("seed", [b"", b"x", bytes(32), b"\xff" * 64])
def test_every_seed_gives_a_usable_key(seed: bytes) -> None:
    assert private_key(seed, "server").private_numbers() != private_key(seed, "authority").private_numbers()


def test_serial_numbers_are_positive_and_short_enough() -> None:
    for pem in (MADE.certificate, MADE.authority):
        assert 0 < certificate(pem).serial_number < 2**159


def published(name: str) -> dict[str, object]:
    args = c.CertificateArgs(namespace="mlflow", hosts=HOSTS, issued=ISSUED)
    certificate = c.SelfSignedCertificate(name, args).certificate
    return {"authority": certificate.authority, "secret": certificate.secret_name}


def test_the_key_is_secret_and_the_authority_is_not() -> None:
    got = deploy(lambda: published("tls"))
    secret = got["tls-secret"]
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert secret.secrets.keys() == {"stringData.tls.crt", "stringData.tls.key"}
    assert got.outputs[""] == {"authority": got.exports["authority"], "secret": autoname("tls-secret")}
    pair = Pair(
        certificate=secret.inputs["stringData"]["tls.crt"],
        key=secret.inputs["stringData"]["tls.key"],
        authority=got.exports["authority"],
    )
    verify(pair, HOSTS[1], ISSUED, authority=pair.authority)


def test_two_certificates_have_keys_of_their_own() -> None:
    got = deploy(lambda: {**published("one"), "other": published("two")["authority"]})
    assert got["one-secret"].inputs["stringData"]["tls.key"] != got["two-secret"].inputs["stringData"]["tls.key"]
    assert got.exports["authority"] != got.exports["other"]
