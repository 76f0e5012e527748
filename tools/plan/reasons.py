"""Reasons why a plan needs approval: who gains or loses access, which data is at risk, what is interrupted, growth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from components.team.client_environment import NAME as ACCOUNT
from tools.access.difference import Change, Difference
from tools.access.words import PLAIN, Style, prose, subject_words
from tools.plan import taken_over, totals
from tools.plan.trust import RIGHTS, Concern

if TYPE_CHECKING:
    from tools.plan.plan import Plan

# The longest list in a reason; a longer one is a number.
LONGEST_LIST = 3


def reasons(one: Plan, style: Style) -> list[str]:
    """The reasons, with names in a style; empty if the plan needs no approval."""
    found = _apart_from_trust(one, style)
    trust = [f"{style.name(each.subject)} {prose(each.short, style)}" for each in one.concerns if each.known]
    if trust:
        found.append(_few(list(dict.fromkeys(trust)), "objects run other code, or trust others", "; "))
    elif not found and (unread := unread_changes(one)):
        names = _few(list(dict.fromkeys(style.name(each.subject) for each in unread)), "objects")
        found.append(f"{names}: what the change means is not known")
    # Losses alone need no approval; beside something that does, they are what matters most.
    return [*_removed_teams(one, style), *found] if found else []


def _apart_from_trust(one: Plan, style: Style) -> list[str]:
    found = [*_of_access(one, style), *_of_people(one, style)]
    taken = [style.name(name) for name in taken_over.names(one.preview.ordered)]
    found += [f"namespace {name} is taken over: its pods may lose connections" for name in taken]
    found += [prose(each.headline, style) for each in one.connections if each.opens]
    if one.risks:
        at_risk = [risk.worded(risk.short, style) if risk.short else style.name(risk.subject) for risk in one.risks]
        found.append(f"data is at risk ({_few(list(dict.fromkeys(at_risk)), 'places', '; ')})")
    found += _of_interruptions(one, style)
    found += [prose(each.headline, style) for each in one.connections if each.closes]
    found += _of_growth(one)
    return found


def to_look_at(one: Plan) -> list[Concern]:
    """Concerns about trust and about unknown changes, unless another reason explains why so much changes."""
    known = [each for each in one.concerns if each.known]
    return known if _apart_from_trust(one, PLAIN) else [*known, *unread_changes(one)]


def unread_changes(one: Plan) -> list[Concern]:
    """Concerns about changes with unknown meaning, except those that the changes of access explain."""
    is_explained = isinstance(one.access, Difference) and bool(one.access.changes or one.access.events)
    return [each for each in one.concerns if not each.known and not (is_explained and each.kind in RIGHTS)]


def _few(names: Sequence[str], what: str, between: str = ", ") -> str:
    """The names, or their number if there are many."""
    return between.join(names) if len(names) <= LONGEST_LIST else f"{len(names)} {what}"


def _removed_teams(one: Plan, style: Style) -> Iterator[str]:
    if not isinstance(one.access, Difference):
        return
    for event, team in one.access.events:
        if event == "removed":
            people = [] if one.people is None else one.people.of_team(team)
            who = [_few(list(map(style.name, people)), "people")] if people else ["its groups"]
            lost = (
                isinstance(change, Change) and change.subject.name == f"{team}/{ACCOUNT}"
                for change in one.access.changes
            )
            programs = " and its programs" if any(lost) else ""
            yield f"team {style.name(team)} is removed: {who[0]}{programs} lose access"


def _of_access(one: Plan, style: Style) -> list[str]:
    if one.access is None:
        return []
    if isinstance(one.access, str):
        return ["it is unknown who gains access"]
    gains = [change for change in one.access.changes if change.gains]
    who = list(
        dict.fromkeys(
            subject_words(change.subject, style) if isinstance(change, Change) else style.name(change.person)
            for change in gains
        )
    )
    found = [f"access is gained by {_few(who, 'groups, people or programs')}"] if who else []
    return [*found, *(["people sign in elsewhere"] if one.access.sign_in is not None else [])]


def _of_people(one: Plan, style: Style) -> Iterator[str]:
    if one.people is None:
        return
    elsewhere = isinstance(one.access, Difference) and one.access.sign_in is not None
    if one.people.signs_in_differently and not elsewhere:
        yield "people sign in differently"
    if one.people.gone:
        left = one.people.left
        yield (
            f"only {_few(list(map(style.name, left)), 'people')} can sign in afterwards"
            if len(left) <= LONGEST_LIST
            else f"{_few(list(map(style.name, one.people.gone)), 'people')} can no longer sign in"
        )
        if one.people.unreachable:
            yield f"no person can use {_few(list(map(style.name, one.people.unreachable)), 'teams')} any more"


def _of_interruptions(one: Plan, style: Style) -> Iterator[str]:
    forever = [each for each in one.interruptions if each.seconds is None]
    at_risk = {name for risk in one.risks for name in (risk.subject, *risk.names) if risk.short}
    ends = [
        f"{style.name(each.ends or each.subject)} {each.short}"
        for each in forever
        # What is deleted with the data that were in it is said of the data.
        if each.short and each.subject not in at_risk
    ]
    if ends:
        yield _few(list(dict.fromkeys(ends)), "addresses and other things end")
    unsaid = [each for each in forever if not each.short and not each.until and each.subject not in at_risk]
    # Another reason says what replaces a login.
    if unsaid and not (one.people is not None and one.people.signs_in_differently):
        yield f"{_few([style.name(each.subject) for each in unsaid], 'things')} stop"
    yield from (f"clients have to trust another {each.ends}" for each in forever if each.until)
    allowed = one.approval.interruption_seconds
    longest = max(
        (each for each in one.interruptions if each.seconds), key=lambda each: each.seconds or 0, default=None
    )
    if longest is not None and (longest.seconds or 0) > allowed:
        who = style.name(longest.who) if longest.who == longest.subject else longest.who
        yield f"up to {longest.seconds} s without {who} (your limit without approval is {allowed} s)"


def _of_growth(one: Plan) -> Iterator[str]:
    allowed = one.approval.growth_percent
    grown = totals.growth(one.before, one.after)
    limit = f"your limit without approval is {allowed} %"
    if one.before.pods and grown > allowed:
        yield f"it reserves {grown:.0f} % more ({limit})"
    elif one.cost is not None and one.cost[0] and one.cost[1] > one.cost[0] * (1 + allowed / 100):
        yield f"it costs {100 * (one.cost[1] / one.cost[0] - 1):.0f} % more ({limit})"
