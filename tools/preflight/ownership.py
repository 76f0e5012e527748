"""Owners of namespaces that exist already: other platforms, which keep them, and the stack itself.

`python -m tools.preflight.ownership STACK` says before an `up` which namespaces it would delete, or take from another
platform. Exit codes: 0 none, or it could not be asked; 1 some.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from components.kubernetes.pods import PART_OF
from components.team.client_environment import NAME as CLIENT
from components.team.namespace import OWNER
from factories.ownership import in_words
from settings import Settings, validate
from tools.doctor.collect.cluster import Cluster
from tools.doctor.facts import Object, Unseen, part
from tools.preflight.api import Api, Kind, Missing, UnseenError
from tools.preflight.state import TAKEN_OVER, deployed, qualified
from tools.preflight.wanted import MistakeError, Wanted, wanted
from tools.stack_file import UnknownError, UnreadableError, read

NAMESPACE = Kind(base="/api/v1", group="", plural="namespaces", namespaced=False)
CONFIG_MAP = Kind(base="/api/v1", group="", plural="configmaps", namespaced=True)
SERVICE = Kind(base="/api/v1", group="", plural="services", namespaced=True)
LABEL = "app.kubernetes.io/part-of"
# Name of the server's Service.
SERVER = "mlflow"
SECONDS = 60
Known = Callable[[], frozenset[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Existing:
    """A namespace that the stack file says exists already."""

    name: str
    key: str
    """The key of the stack file that says it."""

    owner: str
    """Name of the stack's own platform, as `components.team.namespace.OWNER` has it."""

    remedy: str
    """How to use another namespace."""


def existing(needs: Wanted) -> Iterator[Existing]:
    """The namespaces of a stack that exist already."""
    settings = needs.settings
    if isinstance(settings, Settings) and not settings.create_namespace:
        name = settings.namespace
        yield Existing(name=name, key="createNamespace", owner=name, remedy="set namespace to another name")
    for one in needs.patches:
        name = one["metadata"]["name"]
        yield Existing(
            name=name,
            key=f"teams.{name}.createNamespace",
            owner=part(one, "metadata", "labels").get(OWNER, ""),
            remedy=f"give team {name} another name",
        )


def known_of(stack: str) -> Known:
    """What a stack has created and taken over, read at the first call and once.

    The call raises `UnseenError` if the state cannot be read.
    """

    @functools.cache
    def known() -> frozenset[tuple[str, str]]:
        found, error = deployed(stack)
        if error:
            raise UnseenError(Unseen(what="who has created namespaces", needs=f"the state of the stack: {error}"))
        return found

    return known


def fault(one: Existing, found: Object, api: Api, known: Known) -> Missing | None:
    """The reason why the stack must not take a namespace over; None if it may.

    Raises:
        UnseenError: the owner of the namespace is not known.
    """
    if ("Namespace", one.name) in known():
        return Missing(
            subject=f"Namespace {one.name}",
            what=f"this stack has created it: with {one.key}: false `up` would delete it with everything in it",
            remedy=f"remove {one.key}: false",
        )
    ours = (TAKEN_OVER, one.name) in known() or ("Service", qualified(one.name, SERVER)) in known()
    whose = other_owner(found, one.owner) or ("" if ours else user(found, api))
    if not whose:
        return None
    return Missing(
        subject=f"Namespace {one.name}",
        what=f"it belongs to {whose}: two platforms in one namespace would take away each other's labels and rights",
        remedy=f"{one.remedy}, or remove the namespace from the other platform first",
    )


def other_owner(namespace: Object, ours: str) -> str:
    """The platform that has taken a namespace over, in words; empty if it is the one called `ours`, or none has."""
    owner = part(namespace, "metadata", "labels").get(OWNER, ours)
    return "" if owner == ours else in_words(owner)


def user(namespace: Object, api: Api) -> str:
    """The platform that has created and uses a namespace, in words; empty if there is none, or it uses it no more.

    Raises:
        UnseenError: its objects cannot be read.
    """
    if part(namespace, "metadata", "labels").get(LABEL) != PART_OF:
        return ""
    name = namespace["metadata"]["name"]
    what = f"configmaps/{CLIENT} in namespace {name}"
    if (settings := api.find(CONFIG_MAP.path(CLIENT, name), what, f"get {what}")) is not None:
        return f"a stack whose programs use MLflow at {part(settings, 'data').get('MLFLOW_TRACKING_URI', '?')}"
    return in_words(name) if api.exists(SERVICE, SERVER, name) is not None else ""


def check(stack: str) -> int:
    """Print the faults of the namespaces that exist already; returns the exit code."""
    try:
        source = read(stack)
        settings = validate(source, stack).settings
        # The program is asked only for stacks that have such a namespace.
        if settings is None or not _has_existing(settings):
            return 0
        needs = wanted(source, stack)
    except (MistakeError, UnknownError, UnreadableError):
        # Pulumi is about to say the same.
        return 0
    try:
        api, known = Api(Cluster(settings.cluster.context), SECONDS), known_of(stack)
    except Exception as error:  # noqa: BLE001 - a kubeconfig can be wrong in many ways, and Pulumi is about to say it
        print(f"warning: whose the existing namespaces are is not known: {error}", file=sys.stderr)
        return 0
    try:
        places = [(one, api.exists(NAMESPACE, one.name)) for one in existing(needs)]
        faults = [fault(one, found, api, known) for one, found in places if found is not None]
    except UnseenError as error:
        print(f"warning: {error.unseen.what} is not known: needs {error.unseen.needs}", file=sys.stderr)
        return 0
    said = [f"{one.subject}: {one.what}. {one.remedy}" for one in faults if one is not None]
    if said:
        print("\n".join(("nothing was changed:", *(f"- {one}" for one in said))), file=sys.stderr)
    return int(bool(said))


def _has_existing(settings: object) -> bool:
    own = isinstance(settings, Settings) and not settings.create_namespace
    return own or any(not team.create_namespace for team in getattr(settings, "teams", {}).values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.preflight.ownership",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stack", metavar="STACK", help="name of the stack with the file Pulumi.STACK.yaml")
    return check(parser.parse_args(arguments).stack)


if __name__ == "__main__":
    sys.exit(main())
