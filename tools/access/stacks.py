"""The access that a stack file grants, in the working tree or at a git revision."""

from dataclasses import dataclass

from components.team.access_matrix import NOTHING, Matrix
from factories.access import access_matrix
from settings import validate
from settings.faults import report
from tools.access.difference import Difference, difference
from tools.revision import read_at
from tools.stack_file import UnknownError, UnreadableError, file_name, read


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """The access that a stack file in the working tree grants, and the mistakes in its secrets.

    Such mistakes do not affect access.
    """

    matrix: Matrix
    secret_mistakes: str
    """The report of the mistakes in secrets; empty if there are none."""


def present(stack: str) -> Present:
    """Compute the access that a stack file in the working tree grants.

    Raises:
        UnknownError: there is no such stack file.
        UnreadableError: the file has mistakes.
    """
    given, name = read(stack), file_name(stack)
    validation = validate(given, stack)
    secrets = validation.secret_mistakes
    if validation.settings is None or validation.mistakes:
        raise UnreadableError(report([*validation.mistakes, *secrets], name, given.lines))
    return Present(
        matrix=access_matrix(validation.settings), secret_mistakes=report(secrets, name, given.lines) if secrets else ""
    )


def past(stack: str, revision: str) -> Matrix:
    """Compute the access that a stack file grants at a git revision; without that file, nobody has access.

    Contradictions between settings are not errors here, because the file may be older than the rule that it breaks.

    Raises:
        UnknownError: there is no such revision.
        UnreadableError: the file does not match today's settings.
    """
    name = file_name(stack)
    given = read_at(stack, revision)
    if given is None:
        return NOTHING
    validation = validate(given, stack)
    if validation.settings is None:
        raise UnreadableError(report(validation.mistakes, f"{name} at {revision}", given.lines))
    return access_matrix(validation.settings)


def compared(stack: str, revision: str) -> Difference | str:
    """Compare a stack's access with that at a git revision; if a file is wrong, return a sentence with the reason.

    Raises:
        UnknownError: there is no such revision.
    """
    try:
        now = present(stack).matrix
    except (UnreadableError, UnknownError):
        return f"The stack file has mistakes, so the access is unknown; `make access STACK={stack}` lists the mistakes."
    try:
        return difference(past(stack, revision), now)
    except UnreadableError:
        return f"The stack file at `{revision}` has an older format, so that access cannot be compared."
