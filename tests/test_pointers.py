"""Commands, stack outputs, modules and files that a message, comment or page names: each of them exists."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
# The changelog describes the past; these tests have repositories and pages of their own as examples.
EXEMPT = {
    "CHANGELOG.md",
    "testbed/tests/test_evidence.py",
    "tests/test_architecture.py",
    "tests/test_pointers.py",
    "tests/tools/test_scripts.py",
}
TEXT = (".py", ".md", ".yaml", ".yml", ".sh", ".toml", ".in", "Makefile", "Dockerfile", "")
FOLDERS = r"(?:\.github|benchmarks|components|docs|factories|images|policy|settings|testbed|tests|tools)"
# A path stands behind a blank, quote, bracket or backtick; one with `<`, `*` or `{` is a pattern, `policy/v1` an API.
PATH = re.compile(rf"(?:^|(?<=[\s`\"'(]))(?!policy/v1)({FOLDERS}/[\w./-]*[\w])(?![\w*{{<$/-]|\.\*)", re.MULTILINE)
MAKE = re.compile(r"`make (?:-s )?([a-z0-9-]+)")
OUTPUT = re.compile(r"pulumi stack output (?:--[\w-]+ )*([a-zA-Z]\w*)")
MODULE = re.compile(r"python3? -m ((?:benchmarks|settings|testbed|tests|tools)(?:\.\w+)*)")
SETTING = re.compile(r"pulumi config set (?:--stack [\w-]+ |--[\w-]+ )*([a-z]\w+)")


def tracked() -> list[str]:
    """The text files of the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    names = [name for name in listed.stdout.splitlines() if Path(name).suffix in TEXT or Path(name).name in TEXT]
    return [name for name in names if name not in EXEMPT and (ROOT / name).is_file()]


def contents() -> Iterator[tuple[str, str]]:
    """Name and text of each file in which pointers are checked."""
    for name in tracked():
        yield name, (ROOT / name).read_text(encoding="utf-8")


FILES = dict(contents())


def missing(pattern: re.Pattern[str], existing: set[str]) -> list[str]:
    """Pointers to something that does not exist, each with the file that contains the pointer."""
    return [
        f"{name}: {match[0].strip()}"
        for name, text in FILES.items()
        for match in pattern.finditer(text)
        if match[1] not in existing
    ]


def targets() -> set[str]:
    """Targets of the Makefile."""
    return set(re.findall(r"^([a-z0-9-]+):", FILES["Makefile"], re.MULTILINE))


def outputs() -> set[str]:
    """Outputs of the stack, from the calls of `pulumi.export`."""
    calls = [node for node in ast.walk(ast.parse(FILES["__main__.py"])) if isinstance(node, ast.Call)]
    exports = [call for call in calls if ast.unparse(call.func) == "pulumi.export"]
    return {call.args[0].value for call in exports if isinstance(call.args[0], ast.Constant)}  # pyright: ignore[reportReturnType] - a text


def test_every_make_target_that_is_named_exists() -> None:
    assert missing(MAKE, targets()) == []


def test_every_stack_output_that_is_named_exists() -> None:
    assert missing(OUTPUT, outputs()) == []


def test_every_setting_that_a_command_sets_exists() -> None:
    declared = {key for key in yaml.safe_load(FILES["Pulumi.yaml"])["config"] if ":" not in key}
    assert missing(SETTING, declared) == []


def test_every_module_that_is_run_exists() -> None:
    def is_module(name: str) -> bool:
        path = ROOT.joinpath(*name.split("."))
        return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()

    named = {module for text in FILES.values() for module in MODULE.findall(text)}
    assert sorted(module for module in named if not is_module(module)) == []


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_ours_that_is_named_exists(name: str) -> None:
    named = {match[1] for match in PATH.finditer(FILES[name])}
    # A path in a page or beside a program may be relative to it.
    bases = (ROOT, (ROOT / name).parent)
    assert sorted(path for path in named if not any((base / path).exists() for base in bases)) == []


@pytest.mark.parametrize(
    ("pattern", "text", "pointer"),
    [
        (MAKE, "run `make passwords` to see them", "passwords"),
        (MAKE, "`make -s env`", "env"),
        (OUTPUT, "`pulumi stack output developmentUsers --show-secrets`", "developmentUsers"),
        (OUTPUT, "pulumi stack output --show-secrets passwords", "passwords"),
        (MODULE, "python -m tools.access_matrix --stack dev", "tools.access_matrix"),
        (SETTING, "pulumi config set --stack dev --path access.review self-subject", "access"),
        (SETTING, "pulumi config set --secret loginClientSecret", "loginClientSecret"),
        (PATH, "one old one (components/mlflow/server.py).", "components/mlflow/server.py"),
        (PATH, "see docs/configuration.md", "docs/configuration.md"),
    ],
)
def test_a_pointer_is_found_in_a_sentence(pattern: re.Pattern[str], text: str, pointer: str) -> None:
    assert [match[1] for match in pattern.finditer(text)] == [pointer]
