"""Reader of the stack files at a git revision."""

import subprocess

from settings import loader
from settings.loader import Source
from tools.stack_file import UnknownError, UnreadableError, file_name


def read_at(stack: str, revision: str) -> Source | None:
    """Read a stack's file at a git revision; None if there was none.

    Raises:
        UnknownError: there is no such revision, or no git.
        UnreadableError: the file is not a stack file.
    """
    name = file_name(stack)
    commit = _commit(revision)
    if commit is None:
        raise UnknownError(
            f"there is no git revision `{revision}` here: use a branch, a tag or a commit that has been fetched"
        )
    if not _git("ls-tree", "--name-only", commit, "--", name):
        return None
    try:
        return loader.from_file(_git("show", f"{commit}:./{name}") or "")
    except loader.UnreadableError as error:
        raise UnreadableError(f"{name} at {revision} cannot be read: {error}") from None


def exists(revision: str) -> bool:
    """True if git knows the revision; raises UnknownError without git."""
    return _commit(revision) is not None


def _commit(revision: str) -> str | None:
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def _git(*arguments: str) -> str | None:
    """Run git and return its output, or None if git fails without an error message.

    Raises:
        UnknownError: git is not installed, or fails with an error message.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, encoding="utf-8", check=False)
    except FileNotFoundError:
        raise UnknownError("git is not installed, but is needed to read a revision: install git") from None
    if done.returncode and (complaint := done.stderr.strip()):
        raise UnknownError(f"git cannot read a revision here: {complaint}")
    return None if done.returncode else done.stdout.strip("\n")
