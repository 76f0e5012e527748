"""Digests of what the program deploys."""

import json
from pathlib import Path

import pytest

from testbed.evidence import deployments, notes

SERVER = {"image": "localhost/mlflow-platform/mlflow:3.17.2"}


def _digest(**changes: object) -> str:
    return deployments.digest(json.dumps({f"mlflow-platform:{key}": value for key, value in changes.items()}))


@pytest.fixture(scope="module")
def committed() -> str:
    return _digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"server": SERVER | {"accessCacheSeconds": 60}},
        {"server": SERVER | {"terminationSeconds": 60}},
        {"createNamespace": False},
        {
            "profile": "small",
            "login": {"kind": "basic", "users": {"a@example.com": {"groups": ["team-a-mlflow-users"]}}},
        },
    ],
    ids=", ".join,
)
def test_another_deployment_has_another_digest(committed: str, changes: dict[str, object]) -> None:
    found = _digest(**changes)
    assert found not in (committed, deployments.REFUSED)
    deployments.digest.cache_clear()
    assert _digest(**changes) == found


def test_a_setting_with_the_value_that_it_has_anyway_changes_nothing(committed: str) -> None:
    assert _digest(namespace="mlflow") == committed


def test_settings_that_the_program_refuses_have_a_digest_of_their_own(committed: str) -> None:
    assert _digest(profile="evalution") == deployments.REFUSED != committed


def test_only_the_tests_of_a_rehearsal_note_their_deployments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(notes.VARIABLE, raising=False)
    notes.note({"mlflow-platform:host": "a.example.com"})
    file = tmp_path / "deployments"
    assert notes.noted(file) == [notes.COMMITTED]
    monkeypatch.setenv(notes.VARIABLE, str(file))
    for host in ("b.example.com", "b.example.com", "c.example.com"):
        notes.note({"mlflow-platform:host": host})
    assert len(notes.noted(file)) == 3


def _object(content: str) -> str:
    container = {"command": ["python3", "-c", content]}
    return json.dumps({"object": {"data": {"look.py": content}, "spec": {"containers": [container]}}})


def test_comments_and_docstrings_of_scripts_do_not_count_and_everything_else_does() -> None:
    before, after = '"""Look once."""\nrun()  # now\n', '"""Look again."""\nrun()\n'
    significant = deployments.significant
    assert significant(_object(before)) == significant(_object(after))
    assert significant(_object(before)) != significant(_object('"""Look once."""\nwalk()\n'))
    assert significant(_object("# sh\nrun\n")) != significant(_object("# bash\nrun\n"))
