"""Sentences about access without Kubernetes terms, for terminals and Markdown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.team.access_matrix import Subject
from components.team.client_environment import NAME as ACCOUNT
from components.team.permissions import RESOURCES
from tools.access.difference import STRENGTH, Change, Difference, Event, Membership

NOBODY = "Nobody gains or loses rights in MLflow."
THINGS = {"registeredmodels": "registered models"}
# Everything in a workspace: rights on experiments include their runs and artifacts.
EVERYTHING = "experiments, runs, artifacts, datasets, registered models"
EVENTS: dict[Event, str] = {
    "new": "is new; data that an earlier team of this name has left in MLflow is visible again",
    "archived": "is archived: its groups can only read, its programs have no access, and its data stays",
    "restored": "is no longer archived: its groups and programs have access again",
    "removed": "is removed: nobody can use its workspace any more; its data stays in MLflow, and a later team of this"
    " name gets it",
}
# Names that are safe in Markdown. Others could be emphasis, links, or mentions that notify people.
_HARMLESS = re.compile(r"[A-Za-z0-9]+(?:[-._:/][A-Za-z0-9]+)*")
# Sentences without a character that means something in Markdown, makes a link or notifies people.
_PROSE = re.compile(r"(?:[A-Za-z0-9 ,.;/()'-]|: )*")
RED, YELLOW, GREEN, BOLD = 31, 33, 32, 1
# The colour of each action, by its strength: red for deletion.
COLOURS = dict(zip(STRENGTH, (GREEN, YELLOW, RED), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """Formatting of names, headings and actions."""

    name: Callable[[str], str]
    """Formats a name from the stack file."""

    strong: Callable[[str], str]
    action: Callable[[str, str], str]
    """Highlights a string: on a terminal in a colour that depends on the action, in Markdown in italics.

    The arguments are the string and the action.
    """


def code(name: str) -> str:
    """A name, escaped for Markdown text and Markdown tables."""
    if _HARMLESS.fullmatch(name):
        return name
    longest = max((len(ticks) for ticks in re.findall("`+", name)), default=0)
    fence, room = "`" * (longest + 1), " " if "`" in name else ""
    return f"{fence}{room}{name}{room}{fence}".replace("|", r"\|")


def prose(text: str, style: Style) -> str:
    """A sentence with names in it: unchanged, or as a name in `style` if Markdown could act on its characters."""
    return text if _PROSE.fullmatch(text) else style.name(text)


def _painted(text: str, colour: int) -> str:
    return f"\033[{colour}m{text}\033[0m"


PLAIN = Style(name=str, strong=str, action=lambda text, _: text)
COLOURED = Style(
    name=str, strong=lambda text: _painted(text, BOLD), action=lambda text, action: _painted(text, COLOURS[action])
)
MARKDOWN = Style(name=code, strong=lambda text: f"**{text}**", action=lambda text, _: f"*{text}*")


def sentences(found: Difference, style: Style) -> list[str]:
    """Sentences about changes: first where users sign in, then gains of access, changes of whole teams, and losses."""
    lines: list[str] = []
    if found.sign_in is not None:
        lines.append(_sign_in(*found.sign_in, style))
    lines += [_change(change, style) for change in found.changes if change.gains]
    lines += [f"{style.strong(f'Team {style.name(team)}')} {EVENTS[event]}" for event, team in found.events]
    lines += [_change(change, style) for change in found.changes if not change.gains]
    return [*lines, *([NOBODY] if found.nothing else [])]


def subject_words(subject: Subject, style: Style) -> str:
    """A subject in words, for example `group data-science`."""
    match subject.kind:
        case "group":
            return f"group {style.name(subject.name)}"
        case "programs":
            namespace, _, account = subject.name.partition("/")
            if account == ACCOUNT:
                return f"programs of team {style.name(namespace)}"
            return f"programs of the service account {style.name(account)} in {style.name(namespace)}"
        case "kubernetes-role":
            return f"holders of Kubernetes' role {style.name(subject.name)}"


def footnotes(found_subjects: Sequence[Subject]) -> list[str]:
    """Explanations of the words that `subject_words` uses for these subjects."""
    kinds = {subject.kind for subject in found_subjects}
    notes: list[str] = []
    if "programs" in kinds:
        notes.append(
            f"Programs of a team are notebooks and jobs that run as the service account {ACCOUNT} in the"
            " team's namespace."
        )
    if "kubernetes-role" in kinds:
        notes.append(
            "The cluster's administrators, not this stack file, decide who holds Kubernetes' roles view, edit and admin"
            " in a team's namespace."
        )
    return notes


def things(resources: Sequence[str] = RESOURCES) -> str:
    """The kinds of MLflow objects that access applies to, as a list in words."""
    return _listed([THINGS.get(resource, resource) for resource in resources])


def _change(change: Change | Membership, style: Style) -> str:
    if isinstance(change, Membership):
        verb = "joins" if change.gains else "leaves"
        may = f"which may {can_do(change.actions, change.teams, style)}" if change.teams else "which has no access"
        who = style.strong(f"Person {style.name(change.person)}")
        return f"{who} {verb} group {style.name(change.group)}, {may}"
    who = subject_words(change.subject, style)
    verb = {(True, True): "gains", (True, False): "gain", (False, True): "loses", (False, False): "lose"}[
        change.gains, change.subject.kind == "group"
    ]
    subject = style.strong(f"{who[0].upper()}{who[1:]}")
    if change.subject.kind == "programs" and change.subject.name.endswith(f"/{ACCOUNT}"):
        subject += f" (pods with the service account {style.name(change.subject.name)})"
    listed = ", ".join(THINGS.get(resource, resource) for resource in change.resources)
    of = EVERYTHING if change.resources == RESOURCES else listed
    return f"{subject} {verb} {can_do(change.actions, change.teams, style)} ({of})"


def can_do(actions: Sequence[str], teams: Sequence[str], style: Style) -> str:
    """Actions in teams in words, for example `read, and create and change on team fraud`."""
    return f"{_actions(actions, style)} on {_teams(teams, style)}"


def _sign_in(before: str, after: str, style: Style) -> str:
    was, now = (
        "as a user in this stack file" if place == "here" else f"at {style.name(place)}" for place in (before, after)
    )
    return (
        f"{style.strong('Everybody')} signs in {now}, no longer {was}: a group of the same name may have other members"
    )


def _actions(these: Sequence[str], style: Style) -> str:
    # With a comma before the last, because "create and change" contains an "and".
    *most, last = (style.action(action, action) for action in these)
    return f"{', '.join(most)}, and {last}" if most else last


def _teams(teams: Sequence[str], style: Style) -> str:
    return f"team{'s' if len(teams) > 1 else ''} {_listed([style.name(team) for team in teams])}"


def _listed(words: Sequence[str]) -> str:
    """Join words, as in "one, two and three"."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
