"""Settings that the chosen profile forbids, or allows with a warning."""

from collections.abc import Callable, Iterator, Mapping

from settings.faults import Fault
from settings.partial import findings, key
from settings.profiles import Profile
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts
from settings.schema.certificate import SelfSigned
from settings.schema.database import InClusterDatabase
from settings.schema.login import BasicLogin, DevelopmentLogin
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings

Rules = Mapping[Profile, tuple[Callable[[Settings], Iterator[Fault]], ...]]
ONE_POD = "is a single pod without backups, and MLflow is down while it restarts"


def forbidden(settings: Settings) -> Iterator[Fault]:
    """Report settings that the chosen profile forbids."""
    yield from findings(FORBIDDEN.get(settings.profile, ()), settings)


def discouraged(settings: Settings) -> Iterator[Fault]:
    """Warn about settings that the profile allows but that are probably unintended."""
    yield from findings(DISCOURAGED.get(settings.profile, ()), settings)


def users_in_file(settings: Settings) -> Iterator[Fault]:
    """Report a login with users in the stack file."""
    if isinstance(settings.login, DevelopmentLogin | BasicLogin):
        yield Fault(
            key(settings.login, lambda one: one.kind),
            f"`{settings.login.kind}` is not allowed with profile `{settings.profile}`",
            "use `oidc`",
        )


def lost_sessions(settings: Settings) -> Iterator[Fault]:
    """Report a login whose sessions are lost when its pod restarts."""
    if isinstance(settings.login, DevelopmentLogin):
        yield Fault(
            key(settings.login, lambda one: one.kind),
            f"`{settings.login.kind}` is not allowed with profile `{settings.profile}`: Dex loses all sessions when it"
            " restarts",
            "use `basic` or `oidc`",
        )


def self_signed(settings: Settings) -> Iterator[Fault]:
    """Report a certificate that browsers do not trust."""
    if isinstance(settings.certificate, SelfSigned):
        yield Fault(
            key(settings.certificate, lambda one: one.kind),
            f"`{settings.certificate.kind}` is not allowed with profile `{settings.profile}`: browsers do not trust"
            " the certificate",
            "use `secret`",
        )


def local_host(settings: Settings) -> Iterator[Fault]:
    """Report a host name that other machines cannot resolve."""
    if settings.host.endswith(".localhost"):
        yield Fault(
            key(settings, lambda one: one.host),
            "ends with .localhost, which resolves to each user's own machine",
            "use a name in your DNS",
        )


def local_image(settings: Settings) -> Iterator[Fault]:
    """Report an image that only one machine has."""
    if settings.server.image.startswith("localhost/") and settings.images.registry is None:
        yield Fault(
            key(settings.server, lambda one: one.image),
            "begins with localhost/, so other machines cannot pull the image",
            "push the image to a registry and use its name there",
        )


def unencrypted_store(settings: Settings) -> Iterator[Fault]:
    """Report an artifact store without TLS."""
    store = settings.artifacts
    if isinstance(store, S3Artifacts) and (store.endpoint_url or "").startswith("http://"):
        yield Fault(
            key(store, lambda one: one.endpoint_url),
            "uses http: artifacts and credentials are sent unencrypted",
            "use https://",
        )


def one_database_pod(settings: Settings) -> Iterator[Fault]:
    """Report a database in the cluster."""
    if isinstance(settings.database, InClusterDatabase):
        path = key(settings.database, lambda one: one.kind)
        yield Fault(path, f"`{settings.database.kind}` {ONE_POD}", "use `rds` or `external`")


def one_store_pod(settings: Settings) -> Iterator[Fault]:
    """Report an artifact store in the cluster."""
    if isinstance(settings.artifacts, InClusterArtifacts):
        path = key(settings.artifacts, lambda one: one.kind)
        yield Fault(path, f"`{settings.artifacts.kind}` {ONE_POD}", "use `bucket` or `s3`")


def burstable_cpu(settings: Settings) -> Iterator[Fault]:
    """Report an RDS instance class with burstable CPU."""
    database = settings.database
    if isinstance(database, RdsDatabase) and database.instance_class.startswith("db.t"):
        yield Fault(
            key(database, lambda one: one.instance_class),
            f"`{database.instance_class}` has burstable CPU: after hours of load it is throttled or costs extra",
            "use a class like db.m7g.large",
        )


def image_without_digest(settings: Settings) -> Iterator[Fault]:
    """Report an image that may change."""
    if "@sha256:" not in settings.server.image:
        yield Fault(
            key(settings.server, lambda one: one.image),
            "has no digest: its tag may point to another image later",
            "add the digest that `make image` prints: name:version@sha256:...",
        )


FORBIDDEN: Rules = {
    "small": (lost_sessions,),
    "production": (users_in_file, self_signed, local_host, local_image, unencrypted_store),
}
DISCOURAGED: Rules = {
    "small": (local_host, local_image, unencrypted_store),
    "production": (one_database_pod, one_store_pod, burstable_cpu, image_without_digest),
}
RULES = (forbidden,)
WARNINGS = (discouraged,)
