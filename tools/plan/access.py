"""Changes of access in a plan, in sentences."""

from collections.abc import Iterator

from tools.access.difference import Difference
from tools.access.words import NOBODY, Style, prose, sentences
from tools.plan.plan import Plan
from tools.plan.preview import Step
from tools.plan.sessions import when_access_ends

UNCHANGED = "Rights in MLflow: unchanged."
MISTAKES = "Unknown until the mistakes above are corrected."
# Kinds that decide what somebody may do at the Kubernetes API server.
ROLES = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


def access_lines(one: Plan, style: Style) -> list[str]:
    """Sentences about how people sign in, who gains or loses access, and what that means for people."""
    if one.access is None:
        return [*_networks(one, style), *_outside(one, style)]
    if isinstance(one.access, str):
        return [MISTAKES if one.preview.mistakes else one.access]
    lines = [UNCHANGED if line == NOBODY else line for line in _rights(one, one.access, style)]
    return [*lines, *_networks(one, style), *_outside(one, style)]


def _rights(one: Plan, access: Difference, style: Style) -> list[str]:
    if one.people is None:
        return sentences(access, style)
    found = one.people.without_gone(access)
    # Those who cannot sign in any more are said to lose something.
    lines = [] if one.people.gone and found.nothing else sentences(found, style)
    return [
        *one.people.signing_in(style),
        *lines,
        *one.people.remarks(access, style),
        *when_access_ends(one.people, access, style),
    ]


def _networks(one: Plan, style: Style) -> Iterator[str]:
    """Sentences about networks: pods that can connect to more gain access too, apart from rights in MLflow."""
    if one.preview.refused:
        return
    for each in one.connections:
        said = f"Networks: {prose(each.sentence, style)}"
        if not each.opens:
            yield f"{said}."
        elif _changes_roles(one.preview.changes):
            yield f"{said}. What they may do there depends on their rights there."
        else:
            yield f"{said}. What they may do there depends on their rights there, which this plan does not change."


def _changes_roles(steps: tuple[Step, ...]) -> bool:
    return any(step.kind in ROLES for step in steps)


def _outside(one: Plan, style: Style) -> Iterator[str]:
    """Sentences about access to data in its new place, if a plan moves data."""
    for risk in one.risks:
        if risk.moved and not one.preview.refused:
            yield (
                f"Outside MLflow: who can read the {risk.subject} in {style.name(risk.names[1])} is not known to this"
                " plan."
            )
