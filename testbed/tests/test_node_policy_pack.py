"""The policy pack's copy for the embedded engine."""

from pathlib import Path

import pytest
import yaml

from testbed.node import policy_pack


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write a pack of two modules."""
    directory = tmp_path / "policy"
    (directory / "rules" / "__pycache__").mkdir(parents=True)
    (directory / "rules" / "__pycache__" / "network.pyc").touch()
    (directory / "rules" / "network.py").write_text("RULE = 1\n")
    (directory / "__main__.py").write_text("import rules\n")
    (directory / "PulumiPolicy.yaml").write_text("runtime: python\ndescription: rules\n")
    return directory


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_the_copy_says_that_its_runtime_is_the_engines_analyzer(source: Path, tmp_path: Path) -> None:
    policy_pack.copy(source, tmp_path / "copy")
    description = yaml.safe_load((tmp_path / "copy" / "PulumiPolicy.yaml").read_text())
    assert description == {"runtime": "python-pack", "description": "rules"}


def test_the_copy_holds_the_packs_sources_and_nothing_else(source: Path, tmp_path: Path) -> None:
    policy_pack.copy(source, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["PulumiPolicy.yaml", "__main__.py", "rules/network.py"]


def test_a_rule_that_was_removed_leaves_the_copy_too(source: Path, tmp_path: Path) -> None:
    policy_pack.copy(source, tmp_path / "copy")
    (source / "rules" / "network.py").unlink()
    policy_pack.copy(source, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["PulumiPolicy.yaml", "__main__.py"]


def test_a_copy_that_is_up_to_date_is_not_touched(source: Path, tmp_path: Path) -> None:
    """Another command may be running it."""
    policy_pack.copy(source, tmp_path / "copy")
    before = [(tmp_path / "copy" / name).stat().st_ino for name in names(tmp_path / "copy")]
    policy_pack.copy(source, tmp_path / "copy")
    assert [(tmp_path / "copy" / name).stat().st_ino for name in names(tmp_path / "copy")] == before
