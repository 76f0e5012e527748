"""Interruptions of a plan in words, and what goes on meanwhile."""

from collections.abc import Iterator

from tools.access.words import Style
from tools.plan.data import SCHEMA
from tools.plan.effects import certificates
from tools.plan.interruptions import Interruption
from tools.plan.plan import Plan
from tools.plan.preview import part
from tools.plan.sessions import ended, last

# What is away for its users without MLflow itself being so.
PARTS = frozenset({"MLflow", "the address"})
# The key with MLflow's address in the environment of a team's programs.
ADDRESS = "MLFLOW_TRACKING_URI"
MINUTE = 60
MIGRATION = (
    "If the new image changes the schema: (a) writing can stop while an index is built, for a time that is not known;"
    " (b) pods of the old image that run keep working, but one that restarts does not start; (c) a change of the schema"
    " that they could not work with is refused, and changes nothing (docs/upgrade.md)."
)


def interruption_lines(one: Plan, style: Style) -> list[str]:
    """Sentences about what is interrupted, for how long, and what goes on."""
    moved = any(each.becomes for each in one.interruptions)
    found = [*(_sentence(each, style, moved=moved) for each in one.interruptions), *_copying(one), *_signing_in(one)]
    if any(each.seconds and not each.source for each in one.interruptions):
        found.append(
            f"The lengths are estimates from the test cluster; if it takes longer, `make doctor STACK={one.stack}`"
            " names the fault."
        )
    found += _addresses(one)
    if one.rolling:
        found += _rollout(one, style)
    elif one.interruptions and not any(each.who in PARTS for each in one.interruptions):
        found.append("MLflow itself keeps running.")
    return [*found, *(f"{each}." for each in certificates(one, style))]


def _sentence(one: Interruption, style: Style, *, moved: bool) -> str:
    subject = style.name(one.subject)
    if one.until:
        why = ", which is for one host and names below it" if moved else ""
        return f"{one.ends} changes{why}: {one.who} are refused {one.until}; {one.why} ({subject})."
    if one.ends:
        return f"{style.name(one.ends)} {one.short or 'ends'} ({subject}): {one.why}."
    if one.seconds is None:
        return f"{subject}: stops for good: {one.why}."
    length = f"{one.seconds} s" if one.seconds < 2 * MINUTE else f"{one.seconds // MINUTE} minutes"
    what = subject if one.who == one.subject else f"{one.who[:1].upper()}{one.who[1:]}"
    reason = one.why if one.who == one.subject else f"{subject}: {one.why}"
    named = f", as {one.source} names it" if one.source else ""
    return f"{what}: away for up to {length}{named} ({reason})."


def _copying(one: Plan) -> Iterator[str]:
    moved = [risk.subject for risk in one.risks if risk.moved]
    if moved:
        yield f"Writing to MLflow has to stop while somebody copies the {' and '.join(moved)}: how long is not known."


def _signing_in(one: Plan) -> Iterator[str]:
    if one.people is None:
        return
    if reason := ended(one.people):
        yield f"Everybody who uses a browser has to sign in again: {reason}."
    elif one.people.signs_in_differently:
        yield f"Everybody who uses a browser has to sign in again, {last(one.people)} after the `up` at the latest."


def _addresses(one: Plan) -> Iterator[str]:
    """A sentence about programs of teams, if people have to use another address and programs do not."""
    if not any(each.becomes for each in one.interruptions):
        return
    clients = [step for step in one.preview.ordered if step.kind == "ConfigMap" and ADDRESS in part(step.new, "data")]
    addresses = {str(part(step.new, "data")[ADDRESS]) for step in clients}
    if clients and all(part(step.old, "data").get(ADDRESS) == part(step.new, "data")[ADDRESS] for step in clients):
        yield f"Programs of teams in the cluster keep their address ({', '.join(sorted(addresses))})."


def _rollout(one: Plan, style: Style) -> Iterator[str]:
    """What old and new pods can do while the former are replaced, and if the latter do not start."""
    names = ", ".join(map(style.name, one.rolling))
    moves = [each for each in one.interruptions if each.becomes]
    migrates = any(risk.subject == SCHEMA for risk in one.risks)
    deleted = sorted(
        style.name(step.object)
        for step in one.preview.changes
        if step.op == "delete" and step.kind in {"Deployment", "StatefulSet"}
    )
    limits: list[str] = []
    if moves:
        limits.append("refuse the new address, so that browsers cannot use MLflow")
    if any(not each.opens and not each.closes for each in one.connections):
        limits.append("cannot connect any more to what this plan deletes")
    if migrates:
        limits.append("do not start again if the schema has been changed")
    go_on = f"the old ones go on, but {' and '.join(limits)}" if limits else "the old ones go on"
    kept = f"; `up` then ends with an error, before it deletes {' and '.join(deleted)}" if deleted else ""
    yield f"{names}: new pods serve before the old ones stop. If the new ones do not start, {go_on}{kept}."
    if moves:
        yield "Until the new pods serve, browsers reach MLflow at neither address: how long was not measured."
    if migrates:
        yield MIGRATION
