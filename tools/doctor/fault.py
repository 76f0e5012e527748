"""`Fault`: the result of a chapter that has found something wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One cause of a failure, and its remedy."""

    cause: str
    """A fixed word, for programs: `missing`, `image`, `credentials`, ..."""

    subject: str
    """The object that is wrong, for example `RoleBinding team-a/mlflow-manager`."""

    what: str
    """The problem and its consequence, in one sentence."""

    mend: str
    """The command that fixes it."""

    evidence: str = ""
    """The evidence, for example an error message or a status."""
