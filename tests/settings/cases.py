"""Stack files with one mistake and the expected message; the tables are in `test_wrong_*` and `wrong_*`."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.settings.stack_files import Complaints, changed, validated

CANARY = "hunter2"
OIDC: dict[str, object] = {
    "kind": "oidc",
    "issuer": "https://login.example.com/realms/company",
    "clientId": "mlflow",
}
EXTERNAL: dict[str, object] = {"kind": "external", "host": "postgres.example.com"}
S3: dict[str, object] = {"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"}


@dataclass(frozen=True)
class Case:
    """Changes to a committed stack that make one mistake."""

    changes: Mapping[str, object]
    path: str
    problem: str
    remedy: str
    base: str = "dev"
    """The committed stack that is changed."""

    encrypted: tuple[str, ...] = ()
    others: int = 0
    """Number of other mistakes that the changes cause too."""


def check(case: Case, complaints: Complaints) -> None:
    """The report names the key once, with problem and remedy, and shows no secret."""
    document, encrypted = with_needed_secrets(changed(case.base, case.changes), case)
    lines = complaints(document, encrypted=encrypted)
    about = [line for line in lines if line.startswith(f"  - {case.path}: ")]
    assert len(about) == 1, lines
    assert len(lines) == 1 + case.others, lines
    problem, _, remedy = about[0].rpartition("; ")
    assert case.problem in problem
    assert case.remedy in remedy
    assert CANARY not in "\n".join(lines)


def with_needed_secrets(document: dict[str, object], case: Case) -> tuple[dict[str, object], list[str]]:
    """The document with all secrets that it needs and the case does not set, and the encrypted keys."""
    names = [name for name in validated(document).needed_secrets if name not in {*case.changes, case.path}]
    return document | dict.fromkeys(names, CANARY), [*names, *case.encrypted]
