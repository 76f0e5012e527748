"""What each profile refuses, and what it only warns of: settings that do not suit what the platform is for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stackfile.draft import Draft
from stackfile.faults import Fault
from stackfile.profiles import Profile

# Those whose users stand in the stack file.
OWN_LOGINS = frozenset({"development", "basic"})


@dataclass(frozen=True, slots=True)
class Unsuitable:
    """A setting that not every profile bears."""

    path: str
    of: Callable[[str], bool]
    """Whether a value of the key is meant."""

    problem: str
    remedy: str
    unless: str | None = None
    """A key that, where it is set, makes the value another than what is written."""

    refused: tuple[Profile, ...] = ()
    warned: tuple[Profile, ...] = ()

    def fault(self, draft: Draft) -> Fault:
        """What there is to say about it."""
        words = {"value": draft.text(self.path), "profile": draft.text("profile")}
        return Fault(self.path, self.problem.format_map(words), self.remedy)


def _starts(prefix: str) -> Callable[[str], bool]:
    return lambda value: value.startswith(prefix)


UNSUITABLE = (
    Unsuitable(
        "login.kind",
        OWN_LOGINS.__contains__,
        "`{value}` is refused with profile `{profile}`",
        "use `oidc`",
        refused=("production",),
    ),
    Unsuitable(
        "login.kind",
        "development".__eq__,
        "`{value}` is refused with profile `{profile}`: it forgets everybody's session when it restarts",
        "use `basic` or `oidc`",
        refused=("small",),
    ),
    Unsuitable(
        "certificate.kind",
        "self-signed".__eq__,
        "`{value}` is refused with profile `{profile}`: nobody's browser trusts it",
        "use `secret`",
        refused=("production",),
    ),
    Unsuitable(
        "host",
        lambda value: value.endswith(".localhost"),
        "ends with .localhost, which means each user's own machine",
        "give it a name in your DNS",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "server.image",
        _starts("localhost/"),
        "begins with localhost/, which no other node can pull from",
        "push the image to a registry and name it there",
        unless="images.registry",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "artifacts.endpointUrl",
        _starts("http://"),
        "is not encrypted, and profile is `{profile}`",
        "use https://",
        refused=("production",),
        warned=("small",),
    ),
    Unsuitable(
        "database.kind",
        "in-cluster".__eq__,
        "`{value}` is one instance on one volume, without backups: its restart is everybody's outage",
        "use `rds` or `external`",
        warned=("production",),
    ),
    Unsuitable(
        "artifacts.kind",
        "in-cluster".__eq__,
        "`{value}` is one instance on one volume, without backups: its restart is everybody's outage",
        "use `bucket` or `s3`",
        warned=("production",),
    ),
    Unsuitable(
        "database.instanceClass",
        _starts("db.t"),
        "`{value}` lends CPU for a while: under load for hours it falls to a part of a core, or costs extra",
        "take a class like db.m7g.large",
        warned=("production",),
    ),
    Unsuitable(
        "server.image",
        lambda value: "@sha256:" not in value,
        "names a version, which its registry can let mean another image tomorrow",
        "add the digest that a push prints: name:version@sha256:...",
        warned=("production",),
    ),
)


def unbearable(draft: Draft) -> Iterator[Fault]:
    """A profile has nothing that only a lesser one can bear."""
    yield from _found(draft, {one: one.refused for one in UNSUITABLE})


def questionable(draft: Draft) -> Iterator[Fault]:
    """What a profile bears, and its owner may not have meant."""
    yield from _found(draft, {one: one.warned for one in UNSUITABLE})


def _found(draft: Draft, profiles: Mapping[Unsuitable, tuple[Profile, ...]]) -> Iterator[Fault]:
    for one, named in profiles.items():
        value = draft.text(one.path)
        if value is None or (one.unless and draft.value(one.unless) is not None):
            continue
        if draft.value("profile") in named and one.of(value):
            yield one.fault(draft)
