import pytest

from tests.program import snapshot
from tests.program.stacks import STACKS


@pytest.mark.parametrize("stack", STACKS)
def test_the_resources_are_those_of_the_reviewed_snapshot(stack: str) -> None:
    changes = snapshot.difference(stack)
    if changes:
        pytest.fail(f"{changes}\n\nIf this is what you want: {snapshot.COMMAND}", pytrace=False)


def test_a_difference_is_shown_line_by_line(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "FOLDER", tmp_path)
    text = snapshot.text(snapshot.recorded("dev"))
    snapshot.file_of("dev").write_text(text.replace("kubernetes:apps/v1:Deployment mlflow-server <- mlflow\n", ""))
    assert "+kubernetes:apps/v1:Deployment mlflow-server <- mlflow" in snapshot.difference("dev").splitlines()
    assert "no-such-file" not in snapshot.difference("dev")


def test_the_command_writes_and_then_finds_no_difference(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshot, "FOLDER", tmp_path)
    assert snapshot.main([]) == 1
    assert snapshot.main(["--write"]) == 0
    capsys.readouterr()
    assert snapshot.main([]) == 0
    assert capsys.readouterr().out.splitlines() == ["dev: as in dev.txt", "prod: as in prod.txt"]
