"""Namespaces of a stack that are being deleted, or that somebody has deleted without Pulumi.

`python -m tools.preflight.deletions STACK` runs before an `up`, which would fail half-way: Kubernetes creates nothing
in a namespace that is being deleted, and Pulumi does not create again what its state has. The command waits until
namespaces that are being deleted are gone. Exit codes: 0 `up` may begin, or the cluster
could not be asked; 1 it may not.
"""

import argparse
import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from settings import Settings, validate
from tools.kubectl import ClusterError, kubectl
from tools.plan.preview import Json, part
from tools.preflight.state import deployed
from tools.stack_file import UnknownError, UnreadableError, read
from tools.terminal import Progress

POLL_SECONDS = 2.0
# A namespace takes as long as its slowest pod takes to end, and its volumes to be released.
WAIT_SECONDS = 300
# Conditions of a namespace whose messages say what it waits for.
WAITS_FOR = frozenset({"NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure"})


def namespaces(names: Collection[str], context: str | None) -> dict[str, Json]:
    """The namespaces of these names that exist.

    Raises:
        ClusterError: kubectl has failed.
    """
    options = () if context is None else (f"--context={context}",)
    said = kubectl("get", "namespaces", *sorted(names), "--ignore-not-found", "--output=json", *options)
    if not said.strip():
        return {}
    found = json.loads(said)
    return {part(one, "metadata")["name"]: one for one in found.get("items", [found])}


def remaining(namespace: Json) -> str:
    """What a namespace waits for that is being deleted; empty if Kubernetes has not said it yet."""
    conditions = [one for one in part(namespace, "status").get("conditions", ()) if one["type"] in WAITS_FOR]
    return "; ".join(one["message"] for one in conditions if one["status"] == "True")


def ending(found: Mapping[str, Json]) -> dict[str, str]:
    """The namespaces that are being deleted, by name, with what they wait for."""
    return {
        name: remaining(one) for name, one in sorted(found.items()) if part(one, "metadata").get("deletionTimestamp")
    }


def check(stack: str, *, refresh: bool) -> int:
    """Wait for deletions, and print what is in the way of an `up`; returns the exit code.

    Args:
        stack: its name.
        refresh: true if the `up` reads all objects first.
    """
    try:
        settings = validate(read(stack), stack).settings
    except (UnknownError, UnreadableError):
        settings = None
    if settings is None:
        # Pulumi is about to say the same.
        return 0
    names = {*settings.teams, *([settings.namespace] if isinstance(settings, Settings) else ())}
    try:
        found = _after_deletions(names, settings.cluster.context)
    except ClusterError as error:
        print(f"warning: the namespaces of the stack could not be read: {error}", file=sys.stderr)
        return 0
    # An `up` that reads all objects first creates again what was deleted.
    faults = [*_stuck(found), *_vanished(frozenset() if refresh else names - found.keys(), stack)]
    if faults:
        print("\n".join(("nothing was changed:", *(f"- {one}" for one in faults))), file=sys.stderr)
    return int(bool(faults))


def _after_deletions(names: Collection[str], context: str | None) -> dict[str, Json]:
    """Return the namespaces that exist, once none is being deleted or the time is over."""
    progress, end, said = Progress(), time.monotonic() + WAIT_SECONDS, ""
    try:
        while (waits := ending(found := namespaces(names, context))) and time.monotonic() < end:
            if (text := f"waiting until these namespaces are deleted: {', '.join(waits)}") != said:
                progress.say(said := text)
            time.sleep(POLL_SECONDS)
    finally:
        progress.end()
    return found


def _stuck(found: Mapping[str, Json]) -> Iterator[str]:
    for name, waits_for in ending(found).items():
        yield (
            f"Namespace {name} is being deleted, and was not gone after {WAIT_SECONDS} s. Remove what it waits for, and"
            f" run this again: {waits_for or 'see `kubectl describe namespace`'}"
        )


def _vanished(absent: Collection[str], stack: str) -> Iterator[str]:
    if not absent:
        return
    created, error = deployed(stack)
    if error:
        print(f"warning: the stack's state could not be read: {error}", file=sys.stderr)
    for name in sorted(absent):
        if ("Namespace", name) in created:
            yield (
                f"Namespace {name}: this stack has created it, and it was deleted without Pulumi. Run"
                f" REFRESH=yes make up STACK={stack}, with the same CONTEXT=, to create it again with all objects of"
                " the stack; before that, free kept volumes to use their data again (docs/destroy.md)"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.preflight.deletions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stack", metavar="STACK", help="name of the stack with the file Pulumi.STACK.yaml")
    parser.add_argument("--refresh", action="store_true", help="the `up` reads all objects first")
    parsed = parser.parse_args(arguments)
    return check(parsed.stack, refresh=parsed.refresh)


if __name__ == "__main__":
    sys.exit(main())
