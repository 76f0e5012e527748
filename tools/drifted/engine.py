"""Answers of Pulumi's engine: the findings of a refresh, and the actions of an `up` that refreshes first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.drifted.compared import SECRET, Change
from tools.plan.differences import PATH, at
from tools.plan.preview import STEPS, Json, is_masked, lines, part


class EngineError(Exception):
    """The engine has failed; the message is the engine's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Findings of a refresh about a resource."""

    gone: bool
    changes: tuple[Change, ...] = ()
    """Fields that differ. For Kubernetes objects, the objects in the cluster are more precise."""


def refreshed(events: str) -> dict[str, Found]:
    """The resources that differ, by URN, from the events of `pulumi refresh --preview-only --json`.

    Only the event after a resource was read contains the findings. The engine masks secrets in it.

    Raises:
        EngineError: the refresh did not finish.
    """
    found: dict[str, Found] = {}
    for metadata in _finished(events, "resOutputsEvent"):
        if metadata["op"] == "delete":
            found[metadata["urn"]] = Found(gone=True)
        elif metadata["op"] == "update":
            found[metadata["urn"]] = Found(gone=False, changes=tuple(_changes(metadata)))
    return found


def _changes(metadata: Json) -> Iterator[Change]:
    before, after = part(metadata, "old"), part(metadata, "new")
    for path in sorted(metadata.get("detailedDiff") or metadata.get("diffs") or ()):
        stack, cluster = _value(before, path), _value(after, path)
        steps = tuple(int(index) if index else quoted or name for quoted, index, name in PATH.findall(path))
        if is_masked(stack) or is_masked(cluster):
            yield Change(path=steps, stack=SECRET, cluster=SECRET)
        elif stack != cluster:
            yield Change(path=steps, stack=stack, cluster=cluster)


def _value(state: Json, path: str) -> object:
    value = at(part(state, "inputs"), path)
    return at(part(state, "outputs"), path) if value is None else value


def answers(events: str) -> dict[str, str]:
    """Action of an `up` on each resource, by URN, from the events of `pulumi preview --refresh --json`.

    Each value is an operation in `STEPS`, or an error of the engine. The error under an empty URN applies to all other
    resources.
    """
    found: dict[str, str] = {}
    for event in _events(events):
        metadata, said = part(event, "resourcePreEvent", "metadata"), part(event, "diagnosticEvent")
        if metadata.get("op") in STEPS and metadata["op"] != "same":
            found.setdefault(metadata["urn"], metadata["op"])
        elif said.get("severity") == "error":
            found[said.get("urn") or ""] = " ".join(said["message"].split())
    return found


def _finished(events: str, kind: str) -> Iterator[Json]:
    finished = False
    errors: list[str] = []
    for event in _events(events):
        finished = finished or "summaryEvent" in event
        said: Mapping[str, str] = part(event, "diagnosticEvent")
        if said.get("severity") == "error":
            errors.append(said["message"].strip())
        elif metadata := part(event, kind, "metadata"):
            yield metadata
    if errors or not finished:
        raise EngineError("\n".join(errors) or "the refresh did not finish; Pulumi's own messages say why")


def _events(events: str) -> Iterator[Json]:
    try:
        yield from lines(events)
    except ValueError as error:
        raise EngineError(f"the engine's events cannot be read: {error}") from None
