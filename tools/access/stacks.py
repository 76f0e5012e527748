"""A stack's access from its file: as it stands in the working tree, or at a revision that git knows."""

import subprocess
from dataclasses import dataclass

from components.team.access_matrix import NOTHING, Matrix
from factories.access import access_matrix
from settings import judge
from stackfile import file
from stackfile.faults import report
from stackfile.secrets import secret_faults
from tools.access.difference import Difference, difference
from tools.stack_file import UnknownError, UnreadableError, file_name, read


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """A stack's access, and what a preview would say of its secrets, which change nobody's access."""

    matrix: Matrix
    secret_faults: str
    """The report; empty if there is nothing to say."""


def present(stack: str) -> Present:
    """A stack's access as the working tree has it.

    Raises:
        UnknownError: it has no stack file here.
        UnreadableError: the file has faults.
    """
    given = read(stack)
    judged = judge(given, stack)
    secrets = list(secret_faults(given.document, given.secrets, stack))
    name = file_name(stack)
    if judged.settings is None or judged.faults:
        raise UnreadableError(report([*judged.faults, *secrets], name))
    return Present(matrix=access_matrix(judged.settings), secret_faults=report(secrets, name) if secrets else "")


def past(stack: str, revision: str) -> Matrix:
    """A stack's access at a revision; that of nobody where it had no stack file yet.

    Contradictions that today's rules would find are let pass: the revision was deployed as it stands.

    Raises:
        UnknownError: git does not know the revision.
        UnreadableError: today's settings cannot read the file.
    """
    name = file_name(stack)
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise UnknownError(
            f"git knows no revision `{revision}` here: name a branch, a tag or a commit that has been fetched"
        )
    if not _git("ls-tree", "--name-only", commit, "--", name):
        return NOTHING
    try:
        judged = judge(file.read(_git("show", f"{commit}:./{name}") or ""), stack)
    except file.UnreadableError as error:
        raise UnreadableError(f"{name} at {revision} cannot be read: {error}") from None
    if judged.settings is None:
        raise UnreadableError(report(judged.faults, f"{name} at {revision}"))
    return access_matrix(judged.settings)


def compared(stack: str, revision: str) -> Difference | str:
    """What changes in a stack's access since a revision; a sentence where a stack file does not tell.

    Raises:
        UnknownError: there is no such revision.
    """
    try:
        now = present(stack).matrix
    except (UnreadableError, UnknownError):
        return f"The stack file has mistakes, so nobody's access is known yet; `make access STACK={stack}` lists them."
    try:
        return difference(past(stack, revision), now)
    except UnreadableError:
        return f"The stack file at `{revision}` is of an older form, so there is nothing to compare with."


def _git(*arguments: str) -> str | None:
    """What git says; None if it ends with an error."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise UnknownError("git is not installed: a revision cannot be read without it") from None
    if done.returncode and (complaint := done.stderr.strip()):
        raise UnknownError(f"git cannot read a revision here: {complaint}")
    return None if done.returncode else done.stdout.strip("\n")
