from datetime import date
from pathlib import Path

import pytest

from tools.scan import exceptions
from tools.scan.exceptions import Exempt, Judgement, UnreadableError
from tools.scan.findings import Finding

TODAY = date(2026, 12, 1)
REASON = "The image has been tested with these"


def finding(target: str = "dev/Deployment/web", rule: str = "low-uid") -> Finding:
    return Finding(scanner="checkov", rule=rule, target=target, message="said so")


def exempt(*objects: str, **changes: object) -> Exempt:
    given = {"scanner": "checkov", "rule": "low-uid", "objects": [*objects], "reason": REASON}
    return Exempt.model_validate(given | changes)


def judged(*known: Exempt, found: list[Finding], whole: bool = True, today: date = TODAY) -> Judgement:
    return exceptions.judge(found, known, today, whole=whole)


def test_a_finding_without_an_exception_is_open() -> None:
    result = judged(found=[finding()])
    assert result.open == [finding()]
    assert not result.passed


@pytest.mark.parametrize("pattern", ["dev/Deployment/web", "*/Deployment/web", "dev/*/web", "dev/Deployment/*"])
def test_an_exception_lets_a_rule_and_the_objects_of_its_pattern_through(pattern: str) -> None:
    result = judged(exempt(pattern), found=[finding()])
    assert [(one.reason, list(through)) for one, through in result.excepted] == [(REASON, [finding()])]
    assert result.passed


@pytest.mark.parametrize(
    "known",
    [exempt("prod/Deployment/web"), exempt("dev/Deployment/web", rule="other"), exempt("dev/*", scanner="kube-score")],
    ids=["object", "rule", "scanner"],
)
def test_an_exception_for_something_else_lets_nothing_through(known: Exempt) -> None:
    assert judged(known, found=[finding()], whole=False).open == [finding()]


def test_an_exception_that_lets_nothing_through_is_a_fault_for_each_of_its_patterns() -> None:
    result = judged(exempt("dev/Deployment/web", "dev/Deployment/gone"), found=[finding()])
    (fault,) = result.faults
    assert "dev/Deployment/gone matches nothing" in fault
    assert not result.passed


def test_nobody_knows_what_an_exception_lets_through_if_not_everything_was_scanned() -> None:
    assert judged(exempt("prod/Deployment/web"), found=[], whole=False).passed


@pytest.mark.parametrize(("today", "passed"), [(date(2026, 12, 31), True), (date(2027, 1, 1), False)])
def test_an_exception_holds_until_its_last_day(today: date, *, passed: bool) -> None:
    result = judged(exempt("dev/*", until=date(2026, 12, 31)), found=[finding()], today=today)
    assert result.passed is passed
    assert list(result.faults) == ([] if passed else ["the exception from checkov low-uid expired on 2026-12-31"])


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{scanner: trivy, rule: a, objects: [a], reason: long enough for a reviewer}", "scanner"),
        ("{scanner: checkov, rule: a, objects: [a]}", "reason"),
        ("{scanner: checkov, rule: a, objects: [a], reason: because}", "reason"),
        ("{scanner: checkov, rule: a, objects: [], reason: long enough for a reviewer}", "objects"),
        ("{scanner: checkov, rule: a, objects: ['*/*'], reason: long enough for a reviewer}", "objects"),
        ("{scanner: checkov, rule: a, objects: [a], reason: long enough for a reviewer, end: 2027-01-01}", "end"),
        ("{scanner: checkov, rule: a, objects: [a], reason: long enough for a reviewer, until: soon}", "until"),
    ],
    ids=["scanner", "no reason", "short reason", "no objects", "everything", "unknown key", "no date"],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, entry: str, problem: str) -> None:
    file = tmp_path / "exceptions.yaml"
    file.write_text(f"- {entry}\n", encoding="utf-8")
    with pytest.raises(UnreadableError, match=rf"exceptions\.yaml: 0\.{problem}"):
        exceptions.read(file)


def test_the_committed_exceptions_can_be_read() -> None:
    assert exceptions.read()
