import json
from pathlib import Path

import pytest

from tests.tools.doctor.scene import HEALTHY, Scene
from tools.doctor import __main__ as command
from tools.doctor import report
from tools.doctor.chapters import CHAPTERS, diagnose

MISSING = """\
role binding: RoleBinding team-a/mlflow-manager
  it does not exist: people or programs of team team-a are refused (403, PERMISSION_DENIED)
  remedy: REFRESH=yes make up STACK=dev
34 chapters in 1.0 s"""


def test_a_fault_is_one_heading_one_sentence_and_one_command() -> None:
    scene = Scene()
    scene.delete("RoleBinding", "mlflow-manager")
    assert report.as_text(scene.facts, diagnose(scene.facts), 1.0) == MISSING


def test_a_healthy_platform_is_two_lines() -> None:
    facts = Scene().facts
    assert report.as_text(facts, None, 1.0) == "healthy: https://mlflow.localhost\n34 chapters in 1.0 s"


def test_the_json_has_the_same_fields_whatever_is_found() -> None:
    healthy, broken = Scene(), Scene()
    broken.delete("RoleBinding", "mlflow-manager")
    read = [json.loads(report.as_json(one.facts, diagnose(one.facts), 1.0)) for one in (healthy, broken)]
    assert [one["result"] for one in read] == ["healthy", "fault"]
    assert all(list(one) == ["version", "result", "url", "fault", "unseen", "chapters", "seconds"] for one in read)
    assert read[0]["fault"] is None
    assert list(read[1]["fault"]) == ["chapter", "cause", "subject", "what", "evidence", "mend"]
    assert read[1]["chapters"] == [chapter.name for chapter in CHAPTERS]


# Kind, namespace and plural of everything that the doctor lists.
LISTED = sorted({(one["kind"], one["metadata"].get("namespace", "")) for one in Scene().document["live"]})


@pytest.mark.parametrize(("kind", "namespace"), [pair for pair in LISTED if pair[1]])
def test_what_the_caller_may_not_see_is_no_fault_and_is_named(kind: str, namespace: str) -> None:
    scene = Scene()
    scene.forbid(kind, namespace, "things")
    assert (diagnose(scene.facts), scene.code) == (None, 2)
    said = report.as_text(scene.facts, None, 1.0)
    assert f"could not look at things in namespace {namespace}: needs the right to list things" in said


def test_a_fault_is_found_although_not_everything_can_be_seen() -> None:
    scene = Scene()
    scene.forbid("Secret", "mlflow", "secrets")
    scene.delete("RoleBinding", "mlflow-manager")
    assert scene.code == 1
    assert "could not look at secrets" in report.as_text(scene.facts, diagnose(scene.facts), 1.0)


def test_what_the_diagnosis_can_do_without_is_not_missed() -> None:
    scene = Scene()
    scene.document["unseen"].append({"what": "pods in namespace traefik", "needs": "a right", "optional": True})
    assert scene.code == 0


def test_many_things_that_need_the_same_are_one_line() -> None:
    scene = Scene()
    scene.document["unseen"] = [{"what": f"thing {number}", "needs": "an answer"} for number in range(9)]
    said = report.as_text(scene.facts, None, 1.0)
    assert "could not look at thing 0, thing 1, thing 2 and 6 more: needs an answer\n" in said


def test_a_message_cannot_change_the_terminal() -> None:
    scene = Scene()
    scene.probes["tracking"] |= {"status": 500, "body": "\x1b[2J\nfake"}
    assert "\x1b" not in report.as_text(scene.facts, diagnose(scene.facts), 1.0)


def test_saved_facts_are_judged_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    copy = tmp_path / "facts.json"
    assert command.main(["--from", str(HEALTHY), "--save", str(copy)]) == 0
    assert command.main(["--from", str(copy), "--json"]) == 0
    assert json.loads(copy.read_text(encoding="utf-8")) == Scene().document
    assert "healthy: https://mlflow.localhost" in capsys.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_stack_that_cannot_be_read_is_nothing_that_could_be_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str]
) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho 'error: no stack named dev' >&2\nexit 255\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert command.main(options) == 2
    said = capsys.readouterr().out
    if options:
        assert json.loads(said)["unseen"] == [
            {"what": "the state of the stack", "needs": "what pulumi asks for: error: no stack named dev"}
        ]
    else:
        assert (
            said == "could not look at the state of the stack: needs what pulumi asks for: error: no stack named dev\n"
        )
