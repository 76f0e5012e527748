"""Namespaces that a stack takes over instead of creating them: what happens to them, and what to do before."""

from collections.abc import Iterator, Sequence

from tools.access.words import Style
from tools.plan.preview import Json, Step, part

PATCH, NAMESPACE = "NamespacePatch", "Namespace"


def names(steps: Sequence[Step]) -> list[str]:
    """Names of the namespaces that a plan takes over."""
    return [_name(step.new) for step in steps if step.kind == PATCH and step.op == "create"]


def effects(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """Sentences about namespaces that are taken over, and about those that are given back."""
    for step in steps:
        if step.kind == PATCH and step.op == "create":
            yield (
                f"Namespace {style.name(_name(step.new))} exists already, and keeps its content. Pods that run in it"
                " lose every connection but those of a new team, a quota and limits hold for its next pods, and it gets"
                f" the labels {_labels(step.new, style)}. It stays when the team is removed"
            )
        elif step.kind == PATCH and step.op == "delete":
            yield (
                f"Namespace {style.name(_name(step.old))} stays with its content: it loses the labels"
                f" {_labels(step.old, style)}, which the platform has set, and what the platform has created in it"
            )


def before(steps: Sequence[Step], style: Style) -> Iterator[str]:
    """What to do before a namespace is taken over."""
    for name in names(steps):
        shown = style.name(f"{NAMESPACE} {name}")
        yield (
            f"Ask those who use {shown} which connections its pods need, and whether they are within the team's quota:"
            " this plan does not see what runs in it (docs/teams.md)."
        )


def _name(inputs: Json) -> str:
    return str(part(inputs, "metadata").get("name"))


def _labels(inputs: Json, style: Style) -> str:
    return ", ".join(map(style.name, part(inputs, "metadata", "labels")))
