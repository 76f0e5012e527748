from datetime import date

import pytest

from tools import changelog
from tools.changelog import NotReleasableError

TODAY = date(2026, 12, 1)
CHANGES = "# Changelog\n\n## Unreleased\n\n### Features\n\n- Something new.\n"
EARLIER = "\n## 0.1.0 - 2026-10-01\n\n- The first one.\n"
RELEASED = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n### Features\n\n- Something new.\n"
PROJECT = '[project]\nname = "mlflow-platform"\nversion = "0.1.0"\n\n[tool.other]\nversion = "9"\n'


def project(version: str) -> str:
    return PROJECT.replace("0.1.0", version)


def faults(text: str, version: str = "0.2.0", today: date = TODAY) -> list[str]:
    return list(changelog.faults(text, project(version), today))


def test_what_is_unreleased_becomes_a_version_with_the_date_of_today_in_both_files() -> None:
    made, own = changelog.prepared(CHANGES + EARLIER, PROJECT, "0.2.0", TODAY)
    assert made == RELEASED + EARLIER
    assert own == project("0.2.0")
    assert faults(made) == []


def test_headings_may_have_the_brackets_of_keep_a_changelog() -> None:
    text = CHANGES.replace("## Unreleased", "## [Unreleased]") + EARLIER.replace("0.1.0", "[0.1.0]")
    assert [(one.version, one.date) for one in changelog.sections(text)] == [
        ("Unreleased", ""),
        ("0.1.0", "2026-10-01"),
    ]
    made, _ = changelog.prepared(text, PROJECT, "0.2.0", TODAY)
    assert changelog.newest(made).version == "0.2.0"


@pytest.mark.parametrize("version", ["", "0.1.0", "0.0.9", "v0.2.0", "0.2", "0.2.0rc1", "00.2.0"])
def test_a_version_that_is_not_later_or_none_at_all_is_refused(version: str) -> None:
    with pytest.raises(NotReleasableError, match=r"not a version such as 1\.2\.0, or not later"):
        changelog.prepared(CHANGES + EARLIER, PROJECT, version, TODAY)


@pytest.mark.parametrize("text", ["# Changelog\n", "# Changelog\n\n## Unreleased\n" + EARLIER, RELEASED])
def test_without_changes_there_is_nothing_to_release(text: str) -> None:
    with pytest.raises(NotReleasableError, match="nothing under Unreleased"):
        changelog.prepared(text, PROJECT, "0.3.0", TODAY)


def test_the_notes_of_a_release_are_its_section_and_no_other() -> None:
    assert changelog.newest(RELEASED + EARLIER).text == "### Features\n\n- Something new."
    assert changelog.newest("# Changelog\n" + EARLIER).text == "- The first one."


@pytest.mark.parametrize(
    ("text", "version", "fault"),
    [
        (CHANGES + EARLIER, "0.1.0", "has changes under Unreleased"),
        (RELEASED, "0.1.0", "pyproject.toml has the version 0.1.0, but CHANGELOG.md has 0.2.0"),
        (RELEASED.replace(" - 2026-12-01", ""), "0.2.0", "has no date"),
        (RELEASED.replace("12-01", "12-02"), "0.2.0", "dated in the future"),
        (RELEASED + EARLIER.replace("0.1.0", "0.3.0"), "0.2.0", "descending order"),
        (RELEASED + EARLIER.replace("0.1.0", "0.2.0"), "0.2.0", "descending order"),
        ("## next - 2026-12-01\n\n- Something.\n", "next", "is not a version"),
        ("## 0.2.0 - 2026-12-01\n", "0.2.0", "has no notes for 0.2.0"),
    ],
    ids=["unreleased", "project", "no date", "future", "order", "twice", "no version", "empty"],
)
def test_each_fault_is_told_in_a_sentence(text: str, version: str, fault: str) -> None:
    (found,) = faults(text, version)
    assert fault in found


def test_a_changelog_without_a_version_says_what_to_do() -> None:
    with pytest.raises(NotReleasableError, match="tools/release prepare VERSION"):
        faults(CHANGES)


def test_versions_are_numbers_and_not_text() -> None:
    text = RELEASED.replace("0.2.0", "0.10.0") + EARLIER.replace("0.1.0", "0.9.0")
    assert faults(text, "0.10.0") == []


def test_the_committed_changelog_can_be_prepared() -> None:
    text, before = (file.read_text(encoding="utf-8") for file in (changelog.CHANGELOG, changelog.PYPROJECT))
    made, own = changelog.prepared(text, before, "99.0.0", TODAY)
    assert list(changelog.faults(made, own, TODAY)) == []
