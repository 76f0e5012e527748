import difflib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import generated
from tests.generated import ROOT, renewals
from tools.versions import MLFLOW, pinned

FILES = renewals()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_current(path: Path) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    changes = difflib.unified_diff(
        before.splitlines(), FILES[path](before).splitlines(), path.name, "current", lineterm="", n=1
    )
    if lines := "\n".join(changes):
        pytest.fail(f"{lines}\n\nIf this is what you want, run `make generate`.", pytrace=False)


def test_make_generate_renews_what_is_no_longer_current_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    old, current = tmp_path / "old.md", tmp_path / "current.md"
    old.write_text("registry.example.com/mlflow-platform/mlflow:0.1@sha256:0")
    current.write_text("nothing to renew")
    monkeypatch.setattr(generated, "renewals", lambda: dict.fromkeys([old, current], generated.with_version))
    generated.main()
    assert old.read_text() == f"registry.example.com/mlflow-platform/mlflow:{MLFLOW}@sha256:0"
    assert current.read_text() == "nothing to renew"
    assert capsys.readouterr().out == "renewed old.md\n"
    generated.main()
    assert capsys.readouterr().out == "every generated file is current\n"


def test_the_makefile_runs_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^generate: .*\n\t@\$\(PYTHON\) -m tests\.generated$", makefile, re.MULTILINE)


def test_descriptions_survive_the_way_through_yaml() -> None:
    for text in ("plain", "`code` first", "one: two", 'it\'s `so`; "quoted" and # no comment'):
        assert yaml.safe_load(f"key: {generated.scalar(text)}") == {"key": text}


def requirements() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*requirements*.in", "*requirements*.txt"],  # noqa: S607 - the developer's own git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    # The rehearsal of an upgrade begins with an older release.
    return [ROOT / name for name in listed if "rehearsal" not in name]


@pytest.mark.parametrize(
    "path",
    [path for path in requirements() if re.search("^mlflow==", path.read_text(encoding="utf-8"), re.MULTILINE)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_requirements_file_pins_the_same_mlflow(path: Path) -> None:
    assert pinned(path.read_text(encoding="utf-8")) == MLFLOW, f"its head says how {path} is compiled"


def test_a_requirements_file_without_mlflow_is_not_taken_for_one_with_it() -> None:
    with pytest.raises(ValueError, match="mlflow==VERSION"):
        pinned("mlflow-skinny==1.0\n")
