"""People in two stack files: how they sign in, who cannot any more, who is in a group, and what they keep or lose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.team.access_matrix import Matrix
from factories.access import access_matrix
from settings import Settings, validate
from settings.loader import Source
from settings.schema.login import BasicLogin, DevelopmentLogin, OidcLogin
from tools.access.difference import Change, Difference, Membership, actions
from tools.access.words import Style, can_do
from tools.plan.preview import Json, Step, part, parts

WAYS = {
    DevelopmentLogin: "at the development identity provider of the stack (dex)",
    BasicLogin: "with names and passwords of the stack",
    OidcLogin: "at an identity provider of yours",
}
# What people of a stack file may do, by team.
Rights = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class People:
    """The people in two stack files: the earlier one and the present one."""

    before: Settings
    after: Settings

    @property
    def signs_in_differently(self) -> bool:
        """True if the way of signing in changes."""
        return type(self.before.login) is not type(self.after.login)

    @property
    def gone(self) -> list[str]:
        """People of the earlier stack file who cannot sign in any more."""
        login = self.after.login
        return [] if isinstance(login, OidcLogin) else sorted(_users(self.before) - set(login.users))

    @property
    def left(self) -> list[str]:
        """People who can still sign in; empty with an identity provider, which alone knows them."""
        return sorted(_users(self.after))

    @property
    def unreachable(self) -> list[str]:
        """Teams that stay, but that no person can use any more."""
        before, after = _rights(self.before), _rights(self.after)
        had, have = ({team for rights in each.values() for team in rights} for each in (before, after))
        return sorted((had - have) & set(self.after.teams)) if after else []

    def of_team(self, team: str) -> list[str]:
        """People who have access to a team in the earlier stack file."""
        return [person for person, rights in _rights(self.before).items() if team in rights]

    def signing_in(self, style: Style) -> list[str]:
        """Sentences about how people sign in, and who cannot any more; empty if neither changes."""
        found: list[str] = []
        if self.signs_in_differently:
            new, old = WAYS[type(self.after.login)], WAYS[type(self.before.login)]
            found.append(f"{style.strong('Everybody')} signs in {new}, and no longer {old}")
            found += self._kept(style)
        had, have = _rights(self.before), _rights(self.after)
        found += [
            f"{_person(person, style)} can no longer sign in"
            + (f", and loses {_listed(had[person], style)}" if had[person] else ", and had no team")
            for person in self.gone
        ]
        if self.gone:
            left = [f"{style.name(person)} ({_listed(rights, style)})" for person, rights in have.items()]
            found.append(f"Who can sign in afterwards: {'; '.join(left)}")
        return found

    def remarks(self, found: Difference, style: Style) -> list[str]:
        """Sentences that a list of gains and losses leaves open: members of groups, teams without people, delays."""
        return [*self._members(found, style), *self._left(style)]

    def without_gone(self, found: Difference) -> Difference:
        """The difference without the memberships of people who cannot sign in: they lose more than a membership."""
        kept = tuple(one for one in found.changes if not (isinstance(one, Membership) and one.person in self.gone))
        return Difference(changes=kept, events=found.events, sign_in=found.sign_in)

    def bound_by_name(self, steps: Sequence[Step], style: Style) -> list[str]:
        """Sentences about people who are newly named in RoleBindings, although their rights do not change."""
        before, after = _rights(self.before), _rights(self.after)
        found: dict[str, set[str]] = {}
        for step in steps:
            if step.kind == "RoleBinding" and step.op == "update":
                space = str(part(step.new, "metadata").get("namespace"))
                for person in sorted(_named(step.new) - _named(step.old)):
                    if person in before and before[person].get(space) == after.get(person, {}).get(space):
                        found.setdefault(person, set()).add(space)
        return [
            f"RoleBindings of {', '.join(map(style.name, sorted(teams)))} name {style.name(person)}, because sessions"
            " have no groups with this login: no new right, and none less"
            for person, teams in sorted(found.items())
        ]

    def _members(self, found: Difference, style: Style) -> Iterator[str]:
        gains = (one.subject for one in found.changes if isinstance(one, Change) and one.gains)
        for group in sorted({subject.name for subject in gains if subject.kind == "group"}):
            who = "the identity provider knows them, this plan does not"
            if not isinstance(self.after.login, OidcLogin):
                users = sorted(self.after.login.users.items())
                members = [style.name(person) for person, user in users if group in user.groups]
                who = ", ".join(members) or "none. Today nobody is in this group, so no person gains access yet"
            yield f"Members of group {style.name(group)}: {who}"

    def _left(self, style: Style) -> Iterator[str]:
        """Sentences about people who have no team any more, and teams that have no people any more."""
        before, after = _rights(self.before), _rights(self.after)
        for person, rights in after.items():
            if before.get(person) and not rights:
                yield f"{_person(person, style)} can still sign in, but sees no team any more"
        for team in self.unreachable:
            name = style.strong(f"Team {style.name(team)}")
            yield f"{name} stays, but nobody who can sign in has access to it any more"

    def _kept(self, style: Style) -> Iterator[str]:
        """A sentence about what does not change although people sign in differently."""
        names = "people keep their names (e-mail addresses), so what they have logged stays theirs"
        if isinstance(self.after.login, OidcLogin) or isinstance(self.before.login, OidcLogin):
            names = (
                "whether people get the same names is not known to this plan; what they have logged keeps the old name"
            )
        yield f"{style.strong('Unchanged')}: programs of teams sign in with tokens of the cluster, as before; {names}"


def people(stack: str, past: Source | None, now: Source | None) -> People | None:
    """The people of two stack files; None if one of them is missing or cannot be read."""
    before, after = (None if one is None else validate(one, stack).settings for one in (past, now))
    if not isinstance(before, Settings) or not isinstance(after, Settings):
        return None
    return People(before=before, after=after)


def _users(settings: Settings) -> set[str]:
    return set() if isinstance(settings.login, OidcLogin) else set(settings.login.users)


def _rights(settings: Settings) -> dict[str, Rights]:
    """The rights of each person in a stack file, by their groups; empty with an identity provider of one's own."""
    matrix = access_matrix(settings)
    return {person: _of(groups, matrix) for person, groups in matrix.people.items()}


def _of(groups: Sequence[str], matrix: Matrix) -> Rights:
    verbs: dict[str, tuple[str, ...]] = {}
    for grant in matrix.grants:
        if grant.subject.kind == "group" and grant.subject.name in groups:
            verbs[grant.team] = verbs.get(grant.team, ()) + grant.verbs
    return {team: actions(held) for team, held in sorted(verbs.items())}


def _listed(rights: Rights, style: Style) -> str:
    same: dict[tuple[str, ...], list[str]] = {}
    for team, held in rights.items():
        same.setdefault(held, []).append(team)
    return "; ".join(can_do(held, teams, style) for held, teams in same.items()) or "no team"


def _person(name: str, style: Style) -> str:
    return style.strong(f"Person {style.name(name)}")


def _named(inputs: Json) -> set[str]:
    """Users whom a RoleBinding names."""
    return {str(one.get("name")) for one in parts(inputs, "subjects") if one.get("kind") == "User"}
