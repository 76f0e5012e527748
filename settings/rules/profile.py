"""Settings that the chosen profile forbids, or allows with a warning."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from settings.faults import Fault
from settings.partial import findings, key
from settings.profiles import Profile
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts
from settings.schema.certificate import SelfSigned
from settings.schema.database import InClusterDatabase
from settings.schema.login import BasicLogin, DevelopmentLogin
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings

Rule = Callable[[Settings], Iterator[Fault]]
Chosen = TypeVar("Chosen", DevelopmentLogin, BasicLogin, SelfSigned, InClusterDatabase, InClusterArtifacts)
ONE_POD = "is a single pod, and MLflow is down while it restarts"


def of_kind(section: Callable[[Settings], object], model: type[Chosen], problem: str, remedy: str) -> Rule:
    """Create a rule that reports a section if it has the `kind` of `model`."""

    def rule(settings: Settings) -> Iterator[Fault]:
        found = section(settings)
        if isinstance(found, model):
            yield Fault(key(found, lambda one: one.kind), f"`{found.kind}` {problem}", remedy)

    return rule


def forbidden(settings: Settings) -> Iterator[Fault]:
    """Report settings that the chosen profile forbids."""
    yield from findings(FORBIDDEN.get(settings.profile, ()), settings)


def discouraged(settings: Settings) -> Iterator[Fault]:
    """Warn about settings that the profile allows but that are probably unintended."""
    yield from findings(DISCOURAGED.get(settings.profile, ()), settings)


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


FORBIDDEN: Mapping[Profile, tuple[Rule, ...]] = {
    "small": (
        of_kind(
            lambda one: one.login,
            DevelopmentLogin,
            "is not allowed with profile `small`: Dex loses all sessions when it restarts",
            "use `basic` or `oidc`",
        ),
    ),
    "production": (
        of_kind(lambda one: one.login, DevelopmentLogin, "is not allowed with profile `production`", "use `oidc`"),
        of_kind(lambda one: one.login, BasicLogin, "is not allowed with profile `production`", "use `oidc`"),
        of_kind(
            lambda one: one.certificate,
            SelfSigned,
            "is not allowed with profile `production`: browsers do not trust the certificate",
            "use `secret`",
        ),
        local_host,
        local_image,
        unencrypted_store,
    ),
}
DISCOURAGED: Mapping[Profile, tuple[Rule, ...]] = {
    "small": (local_host, local_image, unencrypted_store),
    "production": (
        of_kind(lambda one: one.database, InClusterDatabase, ONE_POD, "use `rds` or `external`"),
        of_kind(
            lambda one: one.artifacts,
            InClusterArtifacts,
            f"{ONE_POD}; artifacts have no backups",
            "use `bucket` or `s3`",
        ),
        burstable_cpu,
        image_without_digest,
    ),
}
RULES = (forbidden,)
WARNINGS = (discouraged,)
