"""Settings that a profile forbids, or allows with a warning."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from settings.draft import Draft
from settings.faults import Fault
from settings.profiles import Profile

# Kinds of login with users in the stack file.
OWN_LOGINS = frozenset({"development", "basic"})


@dataclass(frozen=True, slots=True)
class Unsuitable:
    """A value that some profiles forbid or warn about."""

    path: str
    of: Callable[[str], bool]
    """Returns True for an unsuitable value of the key."""

    problem: str
    remedy: str
    unless: str | None = None
    """Another key; if it is set, the value of `path` is suitable."""

    refused: tuple[Profile, ...] = ()
    warned: tuple[Profile, ...] = ()

    def fault(self, draft: Draft) -> Fault:
        """The mistake or warning, with the stack file's value and profile in its text."""
        words = {"value": draft.text(self.path), "profile": draft.text("profile")}
        return Fault(self.path, self.problem.format_map(words), self.remedy)


def _starts(prefix: str) -> Callable[[str], bool]:
    return lambda value: value.startswith(prefix)


UNSUITABLE = (
    Unsuitable(
        "login.kind",
        OWN_LOGINS.__contains__,
        "`{value}` is not allowed with profile `{profile}`",
        "use `oidc`",
        refused=("production",),
    ),
    Unsuitable(
        "login.kind",
        "development".__eq__,
        "`{value}` is not allowed with profile `{profile}`: Dex loses all sessions when it restarts",
        "use `basic` or `oidc`",
        refused=("small",),
    ),
    Unsuitable(
        "certificate.kind",
        "self-signed".__eq__,
        "`{value}` is not allowed with profile `{profile}`: browsers do not trust the certificate",
        "use `secret`",
        refused=("production",),
    ),
    Unsuitable(
        "host",
        lambda value: value.endswith(".localhost"),
        "ends with .localhost, which resolves to each user's own machine",
        "use a name in your DNS",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "server.image",
        _starts("localhost/"),
        "begins with localhost/, so other machines cannot pull the image",
        "push the image to a registry and use its name there",
        unless="images.registry",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "artifacts.endpointUrl",
        _starts("http://"),
        "uses http: artifacts and credentials are sent unencrypted",
        "use https://",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "database.kind",
        "in-cluster".__eq__,
        "`{value}` is a single pod without backups, and MLflow is down while it restarts",
        "use `rds` or `external`",
        warned=("production",),
    ),
    Unsuitable(
        "artifacts.kind",
        "in-cluster".__eq__,
        "`{value}` is a single pod without backups, and MLflow is down while it restarts",
        "use `bucket` or `s3`",
        warned=("production",),
    ),
    Unsuitable(
        "database.instanceClass",
        _starts("db.t"),
        "`{value}` has burstable CPU: after hours of load it is throttled or costs extra",
        "use a class like db.m7g.large",
        warned=("production",),
    ),
    Unsuitable(
        "server.image",
        lambda value: "@sha256:" not in value,
        "has no digest: its tag may point to another image later",
        "add the digest that `make image` prints: name:version@sha256:...",
        warned=("production",),
    ),
)


def forbidden(draft: Draft) -> Iterator[Fault]:
    """Report settings that the chosen profile forbids."""
    yield from _found(draft, {one: one.refused for one in UNSUITABLE})


def discouraged(draft: Draft) -> Iterator[Fault]:
    """Warn about settings that the profile allows but that are probably unintended."""
    yield from _found(draft, {one: one.warned for one in UNSUITABLE})


def _found(draft: Draft, profiles: Mapping[Unsuitable, tuple[Profile, ...]]) -> Iterator[Fault]:
    for one, named in profiles.items():
        value = draft.text(one.path)
        if value is None or (one.unless and draft.value(one.unless) is not None):
            continue
        if draft.value("profile") in named and one.of(value):
            yield one.fault(draft)
