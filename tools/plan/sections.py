"""Sections of a plan, in the order in which a reviewer needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.access.words import Style
from tools.plan import edits
from tools.plan.access import access_lines
from tools.plan.cost import cost
from tools.plan.data import SCHEMA
from tools.plan.decision import MISTAKES, before_approving, way_out
from tools.plan.differences import by_component
from tools.plan.effects import certificates, effects
from tools.plan.interruptions import Interruption
from tools.plan.plan import Plan
from tools.plan.preview import STEPS

LEGEND = "# + created, ~ updated, ± replaced, - deleted"
# Of a section without a line.
NOTHING = {
    "Data at risk": "no data at risk",
    "Interruptions": "no interruption",
    "Cost and capacity": "nothing more or less is reserved",
}
MIGRATED = ", but cannot start again once the schema is migrated"
MIGRATION = (
    "The migration: one that the running version could not work with is refused, and changes nothing. Building an index"
    " on a large table stops writing meanwhile (docs/upgrade.md)."
)
# What is away for its users without MLflow itself being so.
PARTS = frozenset({"MLflow", "the address"})


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
        yield Section(title="Warnings of the stack file", lines=list(one.warnings))
    if one.unknown:
        title = "Known only after an `up`, in part"
        yield Section(title=title, lines=[style.name(each) for each in one.unknown])
    yield from _details(one)


def _edits(one: Plan, style: Style) -> list[str]:
    if one.people is not None and not one.edits and one.preview.changes:
        return ["Nothing: the change is in the program, or the cluster differs."]
    return [edits.sentence(each, style) for each in one.edits]


def _details(one: Plan) -> Iterator[Section]:
    """The engine's own errors, and the changes."""
    errors = [line for text in one.preview.errors for line in text.splitlines() if not MISTAKES.match(text)]
    if errors:
        yield Section(title="Errors of the engine", lines=errors, is_raw=True)
    lines = [line for component, inner in by_component(one.preview.changes) for line in ("", f"# {component}", *inner)]
    if lines:
        title = "What was attempted (nothing was changed)" if one.preview.refused else "Changes"
        yield Section(title=f"{title}: {counts(one)}", lines=[LEGEND, *lines], is_diff=True)


def _consequences(one: Plan, style: Style) -> Iterator[Section]:
    """Consequences for networks, data, users and capacity; a last section names those that there are not."""
    found = {
        "Networks that are opened": [style.name(each) for each in one.opened],
        "Networks that are closed": [style.name(each) for each in one.closed],
        "Data at risk": _data(one, style),
        "Backups": [
            f"{style.name(subject)}:{rest}." for subject, _, rest in (each.partition(":") for each in one.backups)
        ],
        "Interruptions": _interruptions(one, style),
        "Cost and capacity": cost(one),
        "Also in the changes": [f"{each}." for each in effects(one.preview.ordered, one.people, style)],
    }
    yield from (Section(title=title, lines=lines) for title, lines in found.items() if lines)
    nothing = [words for title, words in NOTHING.items() if not found[title]]
    if nothing:
        yield Section(title="Nothing else", lines=[f"{', '.join(nothing)[0].upper()}{', '.join(nothing)[1:]}."])


def _data(one: Plan, style: Style) -> list[str]:
    return [
        f"{style.name(risk.subject)}: {risk.worded(risk.what, style)}. Kept: {risk.worded(risk.kept, style)}. If it was"
        f" applied already: {risk.worded(risk.back, style)}."
        for risk in one.risks
    ]


def _interruptions(one: Plan, style: Style) -> list[str]:
    found = [_interruption(each, style) for each in one.interruptions]
    if one.rolling:
        migrates = any(risk.subject == SCHEMA for risk in one.risks)
        found.append(
            f"{', '.join(map(style.name, one.rolling))}: no interruption: new pods serve before the old ones stop. If"
            f" the new ones do not start, the old ones go on{MIGRATED if migrates else ''}."
        )
        found += [MIGRATION] if migrates else []
    elif found and not any(each.who in PARTS for each in one.interruptions):
        found.append("MLflow itself keeps running.")
    found += [f"{each}." for each in certificates(one.preview.ordered, style)]
    if one.closed:
        found.append("Whether what is closed interrupts anything is not known: this plan does not see who uses it.")
    return found


def _interruption(one: Interruption, style: Style) -> str:
    subject = style.name(one.subject)
    if one.until:
        return f"{one.ends} changes: {one.who} are refused {one.until}; {one.why} ({subject})."
    if one.seconds is None:
        return f"{f'{style.name(one.ends)} ({subject})' if one.ends else subject}: stops permanently: {one.why}."
    length = f"{one.seconds} s" if one.seconds < 120 else f"{one.seconds // 60} minutes"  # noqa: PLR2004 - two minutes
    what = subject if one.who == one.subject else one.who
    reason = one.why if one.who == one.subject else f"{subject}: {one.why}"
    return f"{what}: away for about {length}, longer if the new pod does not start ({reason})."


def counts(one: Plan) -> str:
    """Numbers of resources to create, update, replace and so on, as text."""
    words = {"create": "create", "import": "import", "update": "update", "replace": "replace", "delete": "delete"}
    found = {op: sum(step.op == op for step in one.preview.changes) for op in STEPS if op in words}
    return ", ".join(f"{number} to {words[op]}" for op, number in found.items() if number) or "none"
