"""Sections of a plan, in the order in which a reviewer needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.access.words import Style, prose
from tools.plan import edits
from tools.plan.access import access_lines
from tools.plan.cost import cost
from tools.plan.decision import before_approving, way_out
from tools.plan.differences import COMPONENT, by_component
from tools.plan.effects import effects
from tools.plan.interruption_lines import interruption_lines
from tools.plan.plan import Plan
from tools.plan.preview import MISTAKES, STEPS

LEGEND = "# + created, ~ updated, ± replaced, - deleted"
# Of a section without a line.
NOTHING = {
    "Data at risk": "no data at risk",
    "Interruptions": "no interruption",
    "Cost and capacity": "the same is reserved and paid as before",
}
UNCHANGED = (
    "The stack file is unchanged: the change is in the program's code (or the cluster differs from it, because an"
    " earlier change was not applied or somebody has changed it by hand)."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading, and its lines."""

    title: str
    lines: list[str]
    is_diff: bool = False
    """True for lines that begin with a sign of the operation, such as `+`."""

    is_raw: bool = False
    """True for the engine's own text, which a comment shows folded."""


def sections(one: Plan, style: Style) -> Iterator[Section]:
    """The sections of a plan; those without a line are left out."""
    refused = one.preview.refused
    if refused:
        yield Section(title="Do not approve", lines=way_out(one, style))
    if one.preview.violations:
        found = [
            f"{each.rule} ({each.level}): {style.name(each.where)}: {style.name(each.what)}"
            for each in one.preview.violations
        ]
        yield Section(title="Broken rules", lines=found)
    for title, lines in {
        "What changes in the stack file": _edits(one, style),
        "Before approving": [] if refused else before_approving(one, style),
        "Who gains or loses access": access_lines(one, style),
    }.items():
        if lines:
            yield Section(title=title, lines=lines)
    if refused:
        yield Section(title="What happens", lines=["Nothing: this plan stops before anything is changed."])
    else:
        yield from _consequences(one, style)
    if one.warnings:
        yield Section(title="Warnings of the stack file", lines=[prose(each, style) for each in one.warnings])
    if one.unknown:
        title = "Known only after an `up`, in part"
        yield Section(title=title, lines=[style.name(each) for each in one.unknown])
    yield from _details(one)


def _edits(one: Plan, style: Style) -> list[str]:
    if one.people is not None and not one.edits and one.preview.changes:
        return [UNCHANGED]
    return [edits.sentence(each, style) for each in one.edits]


def _details(one: Plan) -> Iterator[Section]:
    """The engine's own errors, and the changes."""
    errors = [line for text in one.preview.errors for line in text.splitlines() if not MISTAKES.match(text)]
    if errors:
        yield Section(title="Errors of the engine", lines=errors, is_raw=True)
    lines = [line for component, inner in by_component(one.preview.changes) for line in ("", f"# {component}", *inner)]
    if lines:
        title = "What the change would have done (nothing was changed)" if one.preview.refused else "Changes"
        yield Section(title=f"{title}: {counts(one)}", lines=[LEGEND, *lines], is_diff=True)


def _consequences(one: Plan, style: Style) -> Iterator[Section]:
    """Sections about networks, data, users and capacity; a last one says which of these are not affected."""
    found = {
        "Data at risk": _data(one, style),
        "Backups": [
            f"{style.name(subject)}:{rest}." for subject, _, rest in (each.partition(":") for each in one.backups)
        ],
        "Interruptions": interruption_lines(one, style),
        "Cost and capacity": cost(one),
        "Also in the changes": [f"{each}." for each in effects(one, style)],
    }
    yield from (Section(title=title, lines=lines) for title, lines in found.items() if lines)
    # What is closed may interrupt somebody; the steps before an approval say so.
    unknown = {"Interruptions"} if any(each.closes for each in one.connections) else set[str]()
    nothing = [words for title, words in NOTHING.items() if not found[title] and title not in unknown]
    if nothing:
        yield Section(title="Nothing else", lines=[f"{', '.join(nothing)[0].upper()}{', '.join(nothing)[1:]}."])


def _data(one: Plan, style: Style) -> list[str]:
    return [
        f"{style.name(risk.subject)}: {risk.worded(risk.what, style)}. Kept: {risk.worded(risk.kept, style)}. To undo"
        f" afterwards: {risk.worded(risk.back, style)}."
        for risk in one.risks
    ]


def counts(one: Plan) -> str:
    """Numbers of resources to create, update, replace and so on, as text."""
    words = {"create": "create", "import": "import", "update": "update", "replace": "replace", "delete": "delete"}
    # Components are headings among the changes, and no objects.
    steps = [step for step in one.preview.changes if not step.type.startswith(COMPONENT)]
    found = {op: sum(step.op == op for step in steps) for op in STEPS if op in words}
    return ", ".join(f"{number} to {words[op]}" for op, number in found.items() if number) or "none"
