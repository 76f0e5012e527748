import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from testbed.evidence import __main__ as evidence
from testbed.evidence import catalogue, deployments, inputs, notes, record
from testbed.evidence.catalogue import REHEARSALS, Rehearsal
from testbed.paths import CHECKOUT

REHEARSAL = Rehearsal(name="upgrade", shows="an upgrade", files=("docs/upgrade.md",))
TESTS = f"{REHEARSAL.tests}/test_upgrade.py"
FILES = {
    "server/app.py": '"""The server."""\n\nPORT = 5000  # the usual one\n',
    "node/kubelet.py": "PODS = 110\n",
    "docs/upgrade.md": "Upgrade:\n\n```sh\nmake up\n```\n",
    TESTS: "from settings import ports\nfrom testbed.e2e import data\n\n\ndef test_it():\n    assert data.ROWS\n",
    "testbed/e2e/data.py": "from tools.rows import ROWS\n",
    "tools/rows.py": "ROWS = 10\n",
    "tools/others.py": "OTHERS = 10\n",
    "settings/ports.py": "from settings.defaults import PORT\n",
    "settings/defaults.py": "PORT = 5000\n",
}
REPORT = '<testsuites><testsuite tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"/></testsuites>'


class Deployments:
    """Fake for the program: with `other` it deploys something else."""

    def __init__(self) -> None:
        self.other = ""

    def digest(self, deployment: str) -> str:
        """Stands for the program's registrations."""
        return f"other {deployment}" if self.other and self.other in deployment else deployment


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Deployments:
    made = Deployments()
    monkeypatch.setattr(deployments, "digest", made.digest)
    return made


@pytest.fixture
def checkout(tmp_path: Path, program: Deployments, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository whose one rehearsal depends on a server, a page and what its tests import."""
    assert program
    monkeypatch.setattr(catalogue, "PLATFORM", ("node",))
    monkeypatch.setattr(catalogue, "SERVER", "server")
    monkeypatch.setattr(evidence, "CHECKOUT", tmp_path)
    monkeypatch.setattr(evidence, "REHEARSALS", {REHEARSAL.name: REHEARSAL})
    for name, text in FILES.items():
        _write(tmp_path, name, text)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


class Programs:
    """Fake for the programs that a run starts; with `failures` its tests fail."""

    def __init__(self) -> None:
        self.failures = 0
        self.skipped = 0
        self.failing = "no program"
        self.meanwhile: Callable[[], None] = lambda: None
        self.calls: list[str] = []

    def run(
        self, command: list[str], *, env: Mapping[str, str] | None = None, **_: object
    ) -> subprocess.CompletedProcess[str]:
        """Record the command, write pytest's report, and note the deployments of a rehearsal."""
        line = " ".join(command)
        self.calls.append(line)
        for option in command:
            if option.startswith("--junitxml="):
                report = REPORT.format(tests=3, failures=self.failures, skipped=self.skipped)
                Path(option.removeprefix("--junitxml=")).write_text(report, encoding="utf-8")
                if notes.VARIABLE in (env or {}):
                    with pytest.MonkeyPatch.context() as variables:
                        variables.setenv(notes.VARIABLE, (env or {})[notes.VARIABLE])
                        notes.note({"mlflow-platform:login": {"kind": "basic"}})
                    self.meanwhile()
        fails = self.failing in line or (self.failures and "pytest" in line)
        return subprocess.CompletedProcess(command, 1 if fails else 0)

    @property
    def rehearsed(self) -> bool:
        """True if the rehearsal's tests were run."""
        return any(REHEARSAL.tests in call for call in self.calls)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made, real = Programs(), subprocess.run

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        # Git lists the inputs; everything else would need a cluster.
        return real(command, **options) if command[0] == "git" else made.run(command, **options)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    return made


def _write(checkout: Path, name: str, text: str) -> None:
    file = checkout / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _due(checkout: Path) -> tuple[str, ...]:
    inputs.forget()
    verdict = record.judge(checkout, REHEARSAL, record.read(checkout)[REHEARSAL.name])
    assert verdict.due == bool(verdict.changed)
    return verdict.changed


def _run(*names: str) -> int:
    inputs.forget()
    return evidence.run(names or [REHEARSAL.name], acceptance=True, everything=False)


def test_a_rehearsal_that_has_passed_is_taken_from_the_record(
    checkout: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run() == 0
    assert programs.rehearsed
    assert "upgrade: runs, because it has never passed" in capsys.readouterr().out
    programs.calls.clear()
    assert _run() == 0
    assert not programs.rehearsed
    said = capsys.readouterr().out
    assert "upgrade: taken from the record: its 3 tests passed on " in said
    assert re.search(r"^rehearsal upgrade +not due +0 s$", said, re.MULTILINE)
    assert record.read(checkout)[REHEARSAL.name].tests == 3


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("server/app.py", "server"),
        ("server/new.py", "server"),
        ("node/kubelet.py", "node"),
        ("docs/upgrade.md", "docs/upgrade.md"),
        (TESTS, REHEARSAL.tests),
        ("testbed/e2e/data.py", "imports"),
        ("tools/rows.py", "imports"),
        ("settings/ports.py", "imports"),
    ],
)
def test_a_rehearsal_runs_again_when_an_input_has_changed(
    checkout: Path, programs: Programs, capsys: pytest.CaptureFixture[str], file: str, named: str
) -> None:
    _run()
    changed = "CHANGED = True\n"
    _write(checkout, file, f"```sh\n{changed}```\n" if file.endswith(".md") else changed)
    assert named in _due(checkout)
    programs.calls.clear()
    capsys.readouterr()
    _run()
    assert programs.rehearsed
    said = capsys.readouterr().out
    assert "upgrade: runs, because inputs changed since its pass on " in said
    assert named in said
    assert _due(checkout) == ()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("server/app.py", '"""The server, in other words."""\nPORT = 5000\n'),
        ("docs/upgrade.md", "Upgrade, in other words:\n\n```sh\nmake up\n```\n\nAnd more words.\n"),
        ("tools/others.py", "OTHERS = 11\n"),
        # The program's own: what it deploys counts.
        ("settings/defaults.py", "PORT = 5001\n"),
    ],
)
def test_a_rehearsal_does_not_run_for_a_comment_or_for_a_file_it_does_not_depend_on(
    checkout: Path, programs: Programs, file: str, text: str
) -> None:
    _run()
    _write(checkout, file, text)
    assert programs.rehearsed
    assert _due(checkout) == ()


@pytest.mark.parametrize(
    ("other", "named"), [("basic", "deployment with another login"), ("{}", "deployment of `dev`")]
)
def test_a_rehearsal_runs_again_when_the_program_would_deploy_something_else(
    checkout: Path, programs: Programs, program: Deployments, other: str, named: str
) -> None:
    _run()
    assert programs.rehearsed
    program.other = "kubernetes"
    assert _due(checkout) == ()
    program.other = other
    assert _due(checkout) == (named,)


def test_a_program_that_is_written_differently_but_deploys_the_same_is_no_change(
    checkout: Path, programs: Programs
) -> None:
    for text in ("OLD = True\n", "NEW = True\n"):
        _write(checkout, "components/login/proxy.py", text)
        _run()
        assert programs.rehearsed
        assert _due(checkout) == ()


def test_a_pass_during_which_the_program_has_changed_is_not_recorded(
    checkout: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.meanwhile = lambda: _write(checkout, "factories/login.py", "CHANGED = True\n")
    assert _run() == 0
    assert record.read(checkout) == {}
    assert "upgrade: not recorded, because its inputs changed during the run: factories/" in capsys.readouterr().out


def test_the_salt_that_pulumi_writes_into_a_stack_file_is_no_change(checkout: Path, programs: Programs) -> None:
    _write(checkout, "server/Pulumi.dev.yaml", "config:\n  host: mlflow.localhost\n")
    _run()
    assert programs.rehearsed
    _write(checkout, "server/Pulumi.dev.yaml", "encryptionsalt: v1:abc\nconfig:\n  host: mlflow.localhost\n")
    assert _due(checkout) == ()
    _write(checkout, "server/Pulumi.dev.yaml", "config:\n  host: mlflow.example.com\n")
    assert _due(checkout) == ("server",)


def test_a_new_input_counts_as_changed_and_a_former_one_does_not() -> None:
    assert inputs.changes({"docs": "a", "former": "b"}, {"docs": "a", "new": "c"}) == ["new"]


def test_only_a_passing_rehearsal_is_recorded(checkout: Path, programs: Programs) -> None:
    programs.failures = 1
    assert _run() == 1
    assert record.read(checkout) == {}
    # What it has left is cleared away before the next part.
    assert [call for call in programs.calls if call.startswith("tools/up")] == ["tools/up dev ", "tools/up dev "]


def test_a_pass_of_a_part_of_a_rehearsal_is_not_recorded(checkout: Path, programs: Programs) -> None:
    assert evidence.run([REHEARSAL.name], acceptance=False, everything=True, options=["-k", "it"]) == 0
    assert programs.rehearsed
    assert record.read(checkout) == {}


@pytest.mark.parametrize("skipped", [1, 3])
def test_a_pass_in_which_a_test_did_not_run_is_not_recorded(
    checkout: Path, programs: Programs, capsys: pytest.CaptureFixture[str], skipped: int
) -> None:
    programs.skipped = skipped
    assert _run() == 0
    assert record.read(checkout) == {}
    assert "upgrade: not recorded, because some of its tests did not run" in capsys.readouterr().out


def test_a_pass_during_which_an_input_has_changed_is_not_recorded(
    checkout: Path, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.meanwhile = lambda: _write(checkout, "server/app.py", "PORT = 5001\n")
    assert _run() == 0
    assert record.read(checkout) == {}
    assert "upgrade: not recorded, because its inputs changed during the run: server" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("failing", "rehearsal"),
    [
        ("rehearsal-images", replace(REHEARSAL, images=True)),
        ("testbed programs keycloak", replace(REHEARSAL, programs=("keycloak",))),
    ],
    ids=["the rehearsals' own", "programs"],
)
def test_a_rehearsal_without_its_images_has_not_run(
    failing: str,
    rehearsal: catalogue.Rehearsal,
    checkout: Path,
    programs: Programs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cast("dict[str, catalogue.Rehearsal]", evidence.REHEARSALS)[REHEARSAL.name] = rehearsal
    programs.failing = failing
    assert _run() == 1
    assert not programs.rehearsed
    assert record.read(checkout) == {}
    assert re.search(r"^rehearsal upgrade +not run +0 s$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.usefixtures("checkout")
def test_each_part_begins_with_dev_selected_whatever_the_part_before_has_left(programs: Programs) -> None:
    assert _run() == 0
    tests = [index for index, call in enumerate(programs.calls) if "pytest" in call]
    assert len(tests) == 2
    assert all("pulumi stack select dev" in programs.calls[index - 1] for index in tests)


def test_the_server_is_an_input_only_of_rehearsals_that_need_more_than_that_it_works(checkout: Path) -> None:
    without = replace(REHEARSAL, server=False)
    before = inputs.digests(checkout, without), inputs.digests(checkout, REHEARSAL)
    _write(checkout, "server/app.py", "PORT = 5001\n")
    inputs.forget()
    after = inputs.digests(checkout, without), inputs.digests(checkout, REHEARSAL)
    assert after[0] == before[0]
    assert inputs.changes(before[1], after[1]) == ["server"]


def test_a_program_is_an_input_of_the_rehearsals_that_deploy_it_only() -> None:
    folder = "testbed/programs/keycloak"
    assert folder in replace(REHEARSAL, programs=("keycloak",)).inputs
    assert not any(one.startswith("testbed/programs") for one in REHEARSAL.inputs)


def test_a_deployment_that_fails_ends_the_run_with_an_error(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evidence, "UP", ("false",))
    monkeypatch.setattr(evidence, "ACCEPTANCE", str(checkout / "never"))
    assert _run() == 1
    assert "failed with exit code 1" in capsys.readouterr().out


def test_an_input_that_does_not_exist_is_named(checkout: Path) -> None:
    (checkout / "docs" / "upgrade.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"upgrade depends on docs/upgrade\.md, which does not exist"):
        inputs.digests(checkout, REHEARSAL)


@pytest.mark.parametrize("name", REHEARSALS)
def test_every_rehearsal_has_tests_and_inputs(name: str) -> None:
    rehearsal = REHEARSALS[name]
    assert list((CHECKOUT / rehearsal.tests).glob("test_*.py"))
    assert set(rehearsal.inputs) < set(inputs.digests(CHECKOUT, rehearsal))


def covered(file: str, rehearsal: Rehearsal) -> bool:
    """True if a file is an input of a rehearsal, by itself or within a folder."""
    return any(file == name or file.startswith(f"{name}/") for name in rehearsal.inputs)


@pytest.mark.parametrize("name", REHEARSALS)
def test_the_variants_and_pages_that_a_rehearsal_reads_are_inputs(name: str) -> None:
    rehearsal = REHEARSALS[name]
    text = "".join(file.read_text(encoding="utf-8") for file in (CHECKOUT / rehearsal.tests).glob("test_*.py"))
    variants = [f"testbed/e2e/variants/{variant}.yaml" for variant in re.findall(r'changes_of\("(\w+)"\)', text)]
    pages = [f"docs/{page}" for page in re.findall(r'(?:"docs"|DOCS) / "([\w-]+\.md)"', text)]
    assert [file for file in (*variants, *pages) if not covered(file, rehearsal)] == []


def test_every_folder_of_tests_is_a_rehearsal() -> None:
    folders = {file.parent.name for file in (CHECKOUT / "testbed" / "e2e" / "rehearsals").rglob("test_*.py")}
    assert folders == set(REHEARSALS)


MAKEFILE = """STACK ?= dev
NAME ?=

bootstrap:
\t@tools/bootstrap

render: bootstrap ## write files
\t@tools/render '$(STACK)' \\
\t\t--all

rehearse: bootstrap ## run one
\t@tools/rehearse '$(NAME)'
"""


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("@tools/render", "@tools/write", True),
        ("--all", "--some", True),
        ("@tools/bootstrap", "@tools/prepare", True),
        ("STACK ?= dev", "STACK ?= prod", True),
        ("render: bootstrap", "render:", True),
        ("## write files", "## write all files", False),
        ("NAME ?=", "NAME ?= all", False),
        ("@tools/rehearse", "@tools/play", False),
    ],
)
def test_of_a_target_counts_what_make_runs_for_it(before: str, after: str, *, counts: bool) -> None:
    assert before in MAKEFILE
    changed = inputs.rules(MAKEFILE.replace(before, after), "render")
    assert (changed != inputs.rules(MAKEFILE, "render")) is counts


def test_a_target_that_does_not_exist_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no target deploy"):
        inputs.rules(MAKEFILE, "deploy")


def test_the_committed_record_names_rehearsals_that_exist() -> None:
    assert set(record.read(CHECKOUT)) <= set(REHEARSALS)


@pytest.mark.parametrize(
    ("source", "rest"),
    [
        ('"""Doc."""\nX = 1  # why\n', "X = 1"),
        ('class A:\n    x: int\n    """Of x."""\n', "class A:\n    x: int"),
        ('def f():\n    """Doc\n    of two lines."""\n    return "# none"\n', 'def f():\n    return "# none"'),
        ('def f(): "kept"\n', 'def f(): "kept"'),
        ('"ü"; X = 1\n', '"ü"; X = 1'),
        ('X = "\x0c"  # why\nY = 2\n', 'X = "\x0c"\nY = 2'),
        ("#!/usr/bin/python\nX = 1\n", "#!/usr/bin/python\nX = 1"),
    ],
)
def test_comments_docstrings_and_blank_lines_do_not_count(source: str, rest: str) -> None:
    assert inputs.significant(source) == rest


def test_the_record_is_readable(checkout: Path, programs: Programs) -> None:
    _run()
    assert programs.rehearsed
    (entry,) = json.loads((checkout / record.FILE).read_text(encoding="utf-8")).values()
    assert entry.keys() == {"date", "seconds", "tests", "inputs", "deployments"}
