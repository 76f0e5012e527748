"""Paths, names and versions in README.md and in the pages about the repository: each of them is right."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/README.md", "docs/architecture.md", "docs/maintaining.md")
}
ARCHITECTURE = PAGES["docs/architecture.md"]
BLOCK = re.compile(r"```.*?```", re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
# Within the checkout: with a folder, or a file of a kind that the root has.
PATH = re.compile(r"(?![~/])[\w.*-]+(?:/[\w.*-]+)*(?:/|\.(?:py|yaml|toml|md|lock|in|txt|dot))|[\w.-]+(?:/[\w.*-]+)+")
# A path, and in brackets a name that is in that file.
NAMED = re.compile(r"`([\w./-]+)` \(`(\w+)`\)")


def paths(text: str) -> Iterator[str]:
    """Paths of the checkout that a page names outside of its code blocks."""
    for code in CODE.findall(BLOCK.sub("", text)):
        # What is installed is not in the checkout.
        if PATH.fullmatch(code) and not code.startswith(".venv/"):
            yield code


def exists(path: str) -> bool:
    """True if a path of the checkout equals this one, or matches it where it has a `*`."""
    return any(ROOT.glob(path.rstrip("/"))) and (not path.endswith("/") or (ROOT / path).is_dir())


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    assert [path for path in paths(PAGES[page]) if not exists(path)] == []


def test_paths_are_told_from_other_code() -> None:
    text = "`wiring/`, `gone.py`, `docs/gone.md`, `Pulumi.*.yaml`, `tests/components`; `make up`, `~/.cache/x`, `a.b`"
    assert list(paths(text)) == ["wiring/", "gone.py", "docs/gone.md", "Pulumi.*.yaml", "tests/components"]
    assert [path for path in paths(text) if not exists(path)] == ["wiring/", "gone.py", "docs/gone.md"]


def test_every_name_that_stands_behind_a_path_is_in_that_file() -> None:
    named = [found for page in PAGES.values() for found in NAMED.findall(page)]
    wrong = [
        (path, name) for path, name in named if not re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert named
    assert wrong == []


def test_every_contract_is_a_class_of_the_module_that_the_page_names() -> None:
    contracts = re.findall(r"^\| `(\w+)` \| `(components/[\w/]+\.py)` \|", ARCHITECTURE, re.MULTILINE)
    assert contracts
    for name, path in contracts:
        assert f"\nclass {name}" in (ROOT / path).read_text(encoding="utf-8"), name


def test_every_folder_and_every_package_of_components_is_described() -> None:
    ignored = set(re.findall(r"^/(\w+/)$", (ROOT / ".gitignore").read_text(encoding="utf-8"), re.MULTILINE))
    folders = {f"{path.name}/" for path in ROOT.glob("[a-z]*/")} - ignored
    packages = {f"components/{path.parent.name}/" for path in ROOT.glob("components/*/__init__.py")}
    described = re.findall(r"^\| `([\w/]+/)` \|", ARCHITECTURE, re.MULTILINE)
    assert folders | packages <= set(described)


def test_every_subject_of_the_testbed_is_described() -> None:
    packages = {f"testbed/{path.parent.name}/" for path in ROOT.glob("testbed/*/__init__.py")}
    assert packages <= set(paths(ARCHITECTURE))


def test_components_know_neither_the_settings_nor_the_stack() -> None:
    knowing = re.compile(r"^(?:from|import) (?:settings|factories)\b|pulumi\.Config|get_stack", re.MULTILINE)
    modules = ROOT.glob("components/**/*.py")
    assert [str(path) for path in modules if knowing.search(path.read_text(encoding="utf-8"))] == []


def test_settings_know_of_components_only_sizes_which_load_nothing() -> None:
    knowing = re.compile(r"^\s*(?:from|import) components\b(?!\.sizes import)", re.MULTILINE)
    modules = ROOT.glob("settings/**/*.py")
    assert [str(path) for path in modules if knowing.search(path.read_text(encoding="utf-8"))] == []
    assert "import" not in re.findall(r"^\w+", (ROOT / "components/sizes.py").read_text(encoding="utf-8"), re.MULTILINE)


PICTURES = sorted(ROOT.glob("docs/images/*.dot"))


@pytest.mark.parametrize("source", PICTURES, ids=lambda path: path.name)
def test_a_picture_was_rendered_from_its_source(source: Path) -> None:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    rendered = source.with_suffix(".svg").read_text(encoding="utf-8")
    assert f"<!-- sha256 of the source: {digest} -->" in rendered, "run `make picture`"


@pytest.mark.parametrize("source", PICTURES, ids=lambda path: path.name)
def test_every_path_in_a_picture_exists(source: Path) -> None:
    labels = re.findall(r'label="([^"]*)"', source.read_text(encoding="utf-8"))
    words = [word.strip(",:") for label in labels for word in re.split(r"\\n| ", label)]
    named = [word for word in words if PATH.fullmatch(word)]
    assert named
    assert [path for path in named if not exists(path)] == []


def versions() -> dict[str, tuple[str, str]]:
    """The README's table of versions: the supported and the tested version by product."""
    (table,) = re.findall(r"^## Versions\n\n((?:\|.*\n)+)", PAGES["README.md"], re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()[2:]]
    return {name: (supported, tested) for name, supported, tested in rows}


def pin(path: str, pattern: str) -> str:
    """The one version that a file of the checkout pins."""
    (found,) = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    return found


def equipment(name: str) -> str:
    """The version of a product that the testbed pins."""
    return pin("testbed/versions.py", rf'^{name} = "(.+)"')


def test_the_readme_names_the_versions_that_are_supported() -> None:
    project: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    supported = {name: row[0] for name, row in versions().items()}
    assert supported["Pulumi"] == f"{project['requiredPulumiVersion'].removeprefix('>=')} or newer"
    assert supported["MLflow"] == pin("images/mlflow/requirements.in", r"^mlflow==(\S+)")
    assert supported["Python"].startswith(f"{python.removeprefix('>=')} or newer")
    own_cluster = (ROOT / "docs" / "own-cluster.md").read_text(encoding="utf-8")
    assert f"Kubernetes {supported['Kubernetes']}" in own_cluster
    oldest = re.search(r"(\d+) or newer if the platform creates", supported["PostgreSQL"])
    assert oldest
    assert f"Any PostgreSQL ({oldest[1]} or newer" in " ".join(
        (ROOT / "docs" / "own-services.md").read_text(encoding="utf-8").split()
    )


def test_the_readme_names_the_versions_that_were_tested() -> None:
    tested = {name: row[1] for name, row in versions().items()}
    mlflow = pin("images/mlflow/requirements.in", r"^mlflow==(\S+)")
    assert tested["Kubernetes"] == equipment("KUBERNETES")
    assert tested["Pulumi"] == equipment("PULUMI")
    assert tested["MLflow"] == f"{mlflow}, upgraded from {equipment('MLFLOW_PREVIOUS')}"
    assert tested["PostgreSQL"] == equipment("POSTGRES")
    assert versions()["PostgreSQL"][0].startswith(f"{equipment('POSTGRES')} in the cluster")
