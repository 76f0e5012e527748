"""Command that brings the rows of one team back to what they were at an earlier second.

The variable YES, with the name of the team, answers the question in scripts. Exit codes: 0 if the rows are back or
there was nothing to do; 1 if nothing was changed; 2 if an argument is wrong.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from components.database.undelete import CONTAINER, NAME
from tools.backups.cluster import CONTAINER as SIDECAR
from tools.backups.cluster import POSTGRES, PROGRAM
from tools.jobs import Job, Kubectl
from tools.kubectl import ClusterError, kubectl
from tools.restored.prove import explained
from tools.stack import Platform, read_platform

BACKUP = ("exec", POSTGRES, f"--container={SIDECAR}")
WAITING = "WAITING"


class ArgumentError(Exception):
    """An argument is wrong; the message says which, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Request of an undelete."""

    team: str
    to: datetime
    missing: bool
    """True to add what is missing and change nothing else."""

    yes: str
    """Name of the team if the question is answered already."""

    @property
    def shown(self) -> str:
        """The time in UTC."""
        return self.to.strftime("%Y-%m-%dT%H:%M:%SZ")


def second(text: str, now: datetime) -> datetime:
    """The second that a text names, such as `2026-11-28T10:15:00Z`.

    Raises:
        ArgumentError: the text is not a time, has no time zone, or is not in the past.
    """
    example = "for example TO=2026-11-28T10:15:00Z"
    if not text:
        raise ArgumentError(f"TO is missing: the second to which the team goes back, {example}")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentError(f"TO={text} is not a time: write it like {example}") from None
    if time.tzinfo is None:
        raise ArgumentError(f"TO={text} has no time zone: write it like {example}")
    if time > now:
        raise ArgumentError(f"TO={text} is in the future; now it is {now.strftime('%Y-%m-%dT%H:%M:%SZ')}")
    return time.astimezone(UTC).replace(microsecond=0)


def workspace(platform: Platform, team: str) -> str:
    """The workspace of a team of the stack.

    Raises:
        ArgumentError: there is no such team.
    """
    if not team:
        raise ArgumentError("TEAM is missing: set it, for example TEAM=research")
    if team not in platform.teams:
        raise ArgumentError(
            f"the stack has no team {team}; its teams are {', '.join(sorted(platform.teams))}. A team that was removed"
            " has to be added to the stack file first (docs/undelete.md)"
        )
    return platform.teams[team].workspace or "default"


def announcement(wish: Wish, plan: dict[str, Any]) -> str:
    """Text that says what the command will do."""
    size = f"{plan['bytes'] / 2**20:.0f} MiB"
    lines = [f"restores base backup {plan['backup']} ({size}) at {wish.shown} in a pod of its own, and compares"]
    if wish.missing:
        lines.append(f"then adds the rows of {wish.team} that are missing, and changes nothing else")
    else:
        lines.append(f"then makes every row of {wish.team} what it was; what was logged since then goes")
    lines.append(
        "the team's present rows are kept beside the backups; other teams are not affected; files stay as they are"
    )
    return "\n".join(lines)


def undelete(platform: Platform, wish: Wish, answer: Callable[[str], str], run: Kubectl = kubectl) -> bool | None:
    """Restore, show the differences, ask, and bring the rows back.

    True if the rows are back, False if the Job has failed and said why, None if the user has not agreed.

    Raises:
        ClusterError: the time cannot be restored, or the Job does not start.
    """
    space = f"--namespace={platform.namespace}"
    # What was committed in the last minute may not be in the archive yet.
    run(*BACKUP, space, "--", *PROGRAM, "flush")
    plan = json.loads(run(*BACKUP, space, "--", *PROGRAM, "plan", f"--to={wish.shown}"))
    server = json.loads(run(*BACKUP, space, "--", *PROGRAM, "server"))["server"]
    print(announcement(wish, plan), flush=True)
    variables = {
        "TEAM": workspace(platform, wish.team),
        "TO": wish.shown,
        "BACKUP_SERVER": server,
        "MODE": "missing" if wish.missing else "whole",
        "AGREED": "yes" if wish.yes == wish.team else "",
    }
    job = Job.start(NAME, platform.namespace, containers=("restore", CONTAINER), variables=variables, run=run)
    for line in job.lines():
        if line != WAITING:
            print(line, flush=True)
        elif _agrees(wish.team, answer):
            # From here on it goes on without this command.
            job.execute(CONTAINER, "touch", "/scratch/agreed")
        else:
            job.delete()
            return None
    return job.ended() is True


def _agrees(team: str, answer: Callable[[str], str]) -> bool:
    try:
        return answer("Type the name of the team to continue: ") == team
    except (EOFError, KeyboardInterrupt):
        return False


def main() -> None:
    """Undelete in the selected stack."""
    parser = argparse.ArgumentParser(prog="undelete", description=__doc__)
    parser.add_argument("--team", default="")
    parser.add_argument("--to", default="")
    parser.add_argument("--missing", action="store_true")
    options = parser.parse_args()
    platform = read_platform()
    try:
        workspace(platform, options.team)
        wish = Wish(
            team=options.team,
            to=second(options.to, datetime.now(UTC)),
            missing=options.missing,
            yes=os.environ.get("YES", ""),
        )
        done = undelete(platform, wish, input)
    except ArgumentError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except ClusterError as error:
        sys.exit(f"nothing was changed: {explained(str(error))}")
    if not done:
        sys.exit("nothing was changed" if done is None else 1)


if __name__ == "__main__":
    main()
