"""TLS certificates of the platform's host names: from Secrets, or signed by a private CA for evaluation.

A private CA's certificates are computed from a random seed that Pulumi stores as a secret: the keys are derived from
the seed, the signatures are deterministic (RFC 6979), and the first day of validity is in the stack file. The same seed
gives the same certificates, so a second `up` changes nothing.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The longest validity that browsers accept from a private CA (Apple's limit; others are more lenient).
VALIDITY = dt.timedelta(days=825)
# 64 letters and digits of 5.95 bits each: more than the 128-bit security of P-256.
SEED_LENGTH = 64
AUTHORITY_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mlflow-platform private authority")])
# Order of the group of P-256 (SEC 2, section 2.4.2): private keys are 1 .. order - 1.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateArgs:
    """Input of `SelfSignedCertificate`."""

    namespace: pulumi.Input[str]
    domain: str
    """Domain of the platform; the CA certificate is valid only for the domain and names below it."""

    hosts: Mapping[str, str]
    """Host name by role (`host`, or `identity` for the development identity provider). Each host has its own
    certificate, so that adding a host does not replace the certificate of another one: while an old and a new
    certificate for one host name exist, an ingress controller may serve either."""

    issued: dt.date
    """First day of validity. A later date renews the certificates, not the CA certificate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """The TLS Secrets of the platform's hosts, and the CA certificate that clients of these hosts have to trust."""

    secret_names: Mapping[str, pulumi.Input[str]]
    """Name of the `kubernetes.io/tls` Secret in the platform's namespace, by host name."""

    authority: pulumi.Output[str] | None
    """CA certificate that clients have to trust, as PEM; None means the public CA certificates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM."""

    certificate: str
    key: str


def private_key(seed: bytes, purpose: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 private key that is derived from `seed` for `purpose`; each purpose has its own key.

    64 hash bytes are reduced modulo the group order, which leaves no measurable bias (FIPS 186-5, A.2.1).
    """
    wide = hashlib.sha512(purpose.encode() + b"\0" + seed).digest()
    return ec.derive_private_key(1 + int.from_bytes(wide) % (P256_ORDER - 1), ec.SECP256R1())


def authority_certificate(seed: bytes, domain: str) -> str:
    """The CA certificate that is derived from `seed`, as PEM; it is valid for `domain` and names below it only."""
    key = private_key(seed, "authority")
    builder = (
        x509.CertificateBuilder()
        .subject_name(AUTHORITY_NAME)
        .issuer_name(AUTHORITY_NAME)
        .public_key(key.public_key())
        # The CA certificate stays the same when the hosts' certificates are renewed, so its dates are fixed.
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2051, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # A browser that trusts this CA does not trust it for names outside the domain.
        .add_extension(
            x509.NameConstraints(permitted_subtrees=[x509.DNSName(domain)], excluded_subtrees=None), critical=True
        )
    )
    return _sign(builder, key, seed).public_bytes(serialization.Encoding.PEM).decode()


def self_signed(seed: bytes, host: str, issued: dt.date) -> Pair:
    """A certificate for `host`, signed by the private CA that is derived from `seed`.

    The same arguments always give the same certificate.
    """
    authority_key, key = private_key(seed, "authority"), private_key(seed, f"host {host}")
    start = dt.datetime.combine(issued, dt.time.min, dt.UTC)
    builder = (
        x509.CertificateBuilder()
        # Clients read the alternative name; a common name has at most 64 characters, and host names may be longer.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mlflow-platform")]))
        .issuer_name(AUTHORITY_NAME)
        .public_key(key.public_key())
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    pem = serialization.Encoding.PEM
    return Pair(
        certificate=_sign(builder, authority_key, seed).public_bytes(pem).decode(),
        key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, seed: bytes) -> x509.Certificate:
    # The serial number is derived from the unsigned content, so that a renewed certificate has another one.
    draft = builder.serial_number(1).sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    content = hashlib.sha256(seed + draft.tbs_certificate_bytes).digest()
    # 159 bits: the longest positive serial number that RFC 5280 allows.
    serial = (int.from_bytes(content) >> 97) | 1
    return builder.serial_number(serial).sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class SelfSignedCertificate(pulumi.ComponentResource):
    """A TLS Secret for each host, with a certificate that is signed by this stack's own private CA."""

    certificate: Certificate

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:SelfSignedCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # RandomBytes would show the seed in the state: its resource id is its value in plain text.
        seed = random.RandomPassword(f"{name}-seed", length=SEED_LENGTH, special=False, opts=child).result
        domain = args.domain
        authority = seed.apply(lambda text: authority_certificate(text.encode(), domain))
        names: dict[str, pulumi.Input[str]] = {}
        for role, host in args.hosts.items():
            pair = pulumi.Output.all(seed=seed, host=host, issued=args.issued.isoformat()).apply(
                lambda values: self_signed(
                    values["seed"].encode(), values["host"], dt.date.fromisoformat(values["issued"])
                )
            )
            secret = k8s.core.v1.Secret(
                f"{name}-{role}",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
                type="kubernetes.io/tls",
                string_data={
                    "tls.crt": pair.apply(lambda one: one.certificate),
                    "tls.key": pair.apply(lambda one: one.key),
                },
                opts=child,
            )
            names[host] = secret.metadata.name
        # The CA certificate is public; only the keys are secret.
        self.certificate = Certificate(secret_names=names, authority=pulumi.Output.unsecret(authority))
        self.register_outputs({"authority": self.certificate.authority})
