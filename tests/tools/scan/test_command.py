"""The command with stand-ins for the scanners, which print recorded output."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from settings.loader import Source
from tests.tools.scan.outputs import ACTIONLINT, CHECKOV, KUBE_SCORE, NOTHING, printed
from tools.scan import __main__ as command
from tools.scan import exceptions, programs, rendered, scanners
from tools.scan.exceptions import Exempt
from tools.scan.rendered import Scanned

REASON = "An example that nobody deploys"
QUIET = {
    "checkov": printed(NOTHING),
    "kube-score": "[]",
    "pod-security": "",
    "zizmor": "[]",
    "actionlint": "[]",
}
SCRIPT = """#!/bin/sh
echo "$0 $*" >> {folder}/calls
echo broken >&2
case "$*" in *Dockerfile) echo '{nothing}'; exit ;; esac
cat {folder}/{name}.out
exit {code}
"""


class Machine:
    """Stand-ins of the scanners, and exceptions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exceptions: list[Exempt] = []
        for name, output in QUIET.items():
            self.prints(name, output)

    def prints(self, name: str, output: str, *, code: int = 0) -> None:
        """Set the output of a scanner from now on."""
        (self.folder / f"{name}.out").write_text(output, encoding="utf-8")
        script = self.folder / name
        # Nothing is ever found in the Dockerfile.
        script.write_text(SCRIPT.format(folder=self.folder, name=name, code=code, nothing=QUIET[name]))
        script.chmod(0o755)

    def exempts(self, rule: str, pattern: str) -> None:
        """Add an exception from one of checkov's rules."""
        self.exceptions.append(Exempt(scanner="checkov", rule=rule, objects=[pattern], reason=REASON))

    def install(self, names: list[str], _say: Callable[[str], None]) -> Mapping[str, Path]:
        """Stand-in for `scanners.install`."""
        return {name: self.folder / name for name in names}

    def write(self, stack: str, _source: Source, folder: Path) -> Scanned:
        """Stand-in for `rendered.write`."""
        targets = {"dev-001.yaml": f"{stack}/Deployment/web", "dev-002.yaml": f"{stack}/Job/migration"}
        return Scanned(stack=stack, folder=folder, targets=targets, pods={"dev-001.yaml": {"spec": {}}})

    @property
    def calls(self) -> str:
        """The commands that were run."""
        return (self.folder / "calls").read_text(encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(scanners, "install", made.install)
    monkeypatch.setattr(rendered, "write", made.write)
    monkeypatch.setattr(exceptions, "read", lambda: made.exceptions)
    return made


def test_nothing_is_found(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["dev"]) == 0
    assert "0 open, 0 excepted, 0 wrong exceptions" in capsys.readouterr().out
    assert [name for name in QUIET if f"/{name} " in machine.calls] == list(QUIET)


def test_a_finding_fails_the_scan_and_is_told_with_its_object(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints("checkov", printed(CHECKOV), code=1)
    assert command.main(["dev", "--only", "checkov"]) == 1
    out = capsys.readouterr().out
    assert "  checkov CKV_K8S_43  dev/Deployment/web\n    Image should use digest\n" in out


def test_an_exception_lets_it_through_and_the_reason_is_told(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints("checkov", printed(CHECKOV), code=1)
    machine.exempts("CKV_K8S_43", "dev/*")
    assert command.main(["dev"]) == 0
    assert f"  checkov CKV_K8S_43 (1 object)\n    {REASON}\n    dev/Deployment/web\n" in capsys.readouterr().out


def test_programs_read_the_same(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.prints("checkov", printed(CHECKOV), code=1)
    machine.prints("kube-score", printed(KUBE_SCORE), code=1)
    machine.prints("actionlint", "[]")
    machine.exempts("CKV_K8S_43", "dev/*")
    assert command.main(["dev", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is False
    assert [one["rule"] for one in said["open"]] == ["container-image-pull-policy", "deployment-replicas"]
    assert [(one["reason"], len(one["findings"])) for one in said["excepted"]] == [(REASON, 1)]


def test_an_unused_exception_fails_the_scan_of_everything(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.exempts("CKV_K8S_1", "dev/Deployment/gone")
    assert command.main(["dev"]) == 0
    assert command.main([]) == 1
    assert "dev/Deployment/gone matches nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "code", "problem"),
    [
        ("", 2, "checkov failed with exit code 2:\nbroken"),
        ("", 1, "exit code 1"),
        ("[{}, 1]", 0, "differs from that of version"),
    ],
    ids=["exit code", "nothing", "unknown"],
)
def test_a_scanner_that_fails_is_no_scanner_that_finds_nothing(
    machine: Machine, capsys: pytest.CaptureFixture[str], output: str, code: int, problem: str
) -> None:
    machine.prints("checkov", output, code=code)
    assert command.main(["dev", "--only", "checkov"]) == 2
    assert problem in capsys.readouterr().err


def test_a_finding_about_a_file_that_nobody_gave_it_is_no_known_output(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints("actionlint", printed(ACTIONLINT).replace("test.yml", "gone.yml"), code=1)
    assert command.main(["dev", "--only", "actionlint"]) == 2
    assert "differs from that of version" in capsys.readouterr().err


def test_a_stack_that_does_not_exist_is_told(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["staging"]) == 2
    assert "there is no Pulumi.staging.yaml here" in capsys.readouterr().err
    assert machine.exceptions == []


@pytest.mark.parametrize("name", scanners.SCANNERS)
def test_the_page_names_each_scanner_with_its_pinned_version(name: str) -> None:
    page = (scanners.CHECKOUT / "docs" / "scanners.md").read_text(encoding="utf-8")
    version = programs.version(name)
    assert version.count(".") == 2
    assert re.search(rf"{name}(?:\]\(\S+\))? {re.escape(version)}\b", page)


def test_a_program_is_installed_once_and_again_when_its_pins_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(programs, "HERE", tmp_path)
    pins = tmp_path / "python" / "checkov.txt"
    pins.parent.mkdir()
    pins.write_text("checkov==1", encoding="utf-8")
    ran: list[str] = []

    def run(arguments: list[str | Path], *_: object) -> str:
        ran.append(str(arguments[1]))
        Path(str(arguments[-1])).mkdir(exist_ok=True) if arguments[1] == "venv" else None
        return ""

    monkeypatch.setattr(programs, "_run", run)
    said: list[str] = []
    first = programs.python_program("checkov", said.append)
    assert programs.python_program("checkov", said.append) == first
    assert (ran, len(said)) == (["venv", "pip"], 1)
    pins.write_text("checkov==2", encoding="utf-8")
    assert programs.python_program("checkov", said.append) != first
