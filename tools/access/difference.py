"""Changes between two access matrices, the most important first."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from components.team.access_matrix import Matrix, Subject
from components.team.permissions import RESOURCES

# Actions in plain words with their Kubernetes verbs, from the weakest to the strongest.
ACTIONS = {"read": ("get", "list"), "create and change": ("create", "update"), "delete": ("delete",)}
STRENGTH = tuple(ACTIONS)

Event = Literal["new", "removed", "archived", "restored"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A gain or loss of access of one subject in one or more teams."""

    subject: Subject
    gains: bool
    """True for a gain, false for a loss."""

    actions: tuple[str, ...]
    teams: tuple[str, ...]
    resources: tuple[str, ...] = RESOURCES


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A change of membership: a user in the stack file joins or leaves a group."""

    person: str
    group: str
    gains: bool
    """True if the user joins, false if the user leaves."""

    teams: tuple[str, ...]
    """Teams in which the group has access."""

    actions: tuple[str, ...]
    """All actions that the group has in at least one of these teams."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """All changes of access between two matrices."""

    changes: tuple[Change | Membership, ...]
    """Gains, then losses; within each of the two, changes with deletion come first, then changes with writing."""

    events: tuple[tuple[Event, str], ...]
    """Changes of whole teams: pairs of an event and a team's name."""

    sign_in: tuple[str, str] | None
    """The old and the new value of `Matrix.sign_in`; None if the value does not change, or one matrix has none.

    A change matters because a group of the same name may have other members at another identity provider.
    """

    @property
    def nothing(self) -> bool:
        """True if nobody gains or loses access, and all users sign in where they did before."""
        return not (self.changes or self.sign_in)


def actions(verbs: tuple[str, ...]) -> tuple[str, ...]:
    """The actions, in plain words, that include any of these Kubernetes verbs."""
    return tuple(action for action, parts in ACTIONS.items() if set(parts) & set(verbs))


def difference(before: Matrix, after: Matrix) -> Difference:
    """Compare two access matrices."""
    moved = "" not in (before.sign_in, after.sign_in) and before.sign_in != after.sign_in
    # If users sign in elsewhere, all users of the stack file change: `sign_in` reports this once.
    memberships = () if moved else _memberships(before, after)
    return Difference(
        changes=tuple(sorted([*_changes(before, after), *memberships], key=_importance)),
        events=tuple(_events(before, after)),
        sign_in=(before.sign_in, after.sign_in) if moved else None,
    )


def _changes(before: Matrix, after: Matrix) -> Iterator[Change]:
    had, has = _cells(before), _cells(after)
    alike: dict[tuple[Subject, str, bool, tuple[str, ...]], list[str]] = defaultdict(list)
    for subject, team in sorted({(subject, team) for subject, team, _ in (*had, *has)}):
        for resource in RESOURCES:
            old, new = had.get((subject, team, resource), ()), has.get((subject, team, resource), ())
            for gains, these, those in ((True, new, old), (False, old, new)):
                if only := tuple(action for action in these if action not in those):
                    alike[subject, team, gains, only].append(resource)
    teams: dict[tuple[Subject, bool, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (subject, team, gains, only), resources in alike.items():
        teams[subject, gains, only, tuple(resources)].append(team)
    for (subject, gains, only, resources), where in teams.items():
        yield Change(subject=subject, gains=gains, actions=only, teams=tuple(where), resources=resources)


def _cells(found: Matrix) -> dict[tuple[Subject, str, str], tuple[str, ...]]:
    """Actions by subject, team and resource. A group with two roles in a team has the actions of both roles."""
    verbs: dict[tuple[Subject, str, str], tuple[str, ...]] = {}
    for grant in found.grants:
        for resource in grant.resources:
            cell = grant.subject, grant.team, resource
            verbs[cell] = verbs.get(cell, ()) + grant.verbs
    return {cell: actions(held) for cell, held in verbs.items()}


def _importance(change: Change | Membership) -> tuple[object, ...]:
    strongest = max((STRENGTH.index(action) for action in change.actions), default=-1)
    who = (
        ("", change.person, change.group)
        if isinstance(change, Membership)
        else (change.subject.kind, change.subject.name)
    )
    resources = () if isinstance(change, Membership) else change.resources
    return not change.gains, -strongest, -len(change.actions), who, change.teams, resources


def _memberships(before: Matrix, after: Matrix) -> Iterator[Membership]:
    for person in {*before.people, *after.people}:
        was, now = set(before.people.get(person, ())), set(after.people.get(person, ()))
        for group in was ^ now:
            gains = group in now
            # A change of the group's own access is reported as a `Change`.
            held = [grant for grant in (after if gains else before).grants if _is_group(grant.subject, group)]
            yield Membership(
                person=person,
                group=group,
                gains=gains,
                teams=tuple(grant.team for grant in held),
                actions=actions(tuple(verb for grant in held for verb in grant.verbs)),
            )


def _is_group(subject: Subject, group: str) -> bool:
    return subject == Subject(kind="group", name=group)


def _events(before: Matrix, after: Matrix) -> Iterator[tuple[Event, str]]:
    for team in sorted({*before.archived, *after.archived}):
        match before.archived.get(team), after.archived.get(team):
            case None, _:
                yield "new", team
            case _, None:
                yield "removed", team
            case False, True:
                yield "archived", team
            case True, False:
                yield "restored", team
            case _:
                pass


def as_data(found: Difference) -> dict[str, Any]:
    """The difference as dictionaries and lists, ready for JSON."""
    return {
        "gains": [_data(change) for change in found.changes if change.gains],
        "losses": [_data(change) for change in found.changes if not change.gains],
        "teams": [{"team": team, "event": event} for event, team in found.events],
        "signIn": None if found.sign_in is None else {"before": found.sign_in[0], "after": found.sign_in[1]},
    }


def _data(change: Change | Membership) -> dict[str, Any]:
    verbs = [verb for action in change.actions for verb in ACTIONS[action]]
    if isinstance(change, Membership):
        who: dict[str, Any] = {"kind": "person", "name": change.person, "group": change.group}
    else:
        who = {"kind": change.subject.kind, "name": change.subject.name}
        if change.resources != RESOURCES:
            who["resources"] = list(change.resources)
    return {**who, "teams": list(change.teams), "verbs": verbs}
