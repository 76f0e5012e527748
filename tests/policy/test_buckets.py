from dataclasses import replace
from typing import Any

import pytest

from tests.policy.judge import ABSENT, UNKNOWN, Asked, as_asked, changed, stack_violations
from tests.program.stacks import recorded

RULE = "buckets-keep-old-versions"
EXPIRING = "rules.1.noncurrentVersionExpiration"
NEVER = "old versions of its objects are never deleted"


def prod() -> list[Asked]:
    return as_asked(recorded("prod"), "prod")


def judged(path: str, value: object, **config: Any) -> list[str]:  # noqa: ANN401 - parameters of the rule
    resources = [
        replace(found, inputs=changed(found.inputs, path, value)) if found.name == "bucket-lifecycle" else found
        for found in prod()
    ]
    return stack_violations(RULE, resources, config)


def test_a_bucket_whose_old_versions_end_is_admitted() -> None:
    assert stack_violations(RULE, prod()) == []
    assert stack_violations(RULE, prod(), {"minimumDays": 90}) == []


def test_old_versions_that_end_too_soon_are_a_violation() -> None:
    assert stack_violations(RULE, prod(), {"minimumDays": 91}) == [
        "noncurrentDays must be at least 91: a deleted object is gone after 90"
    ]
    assert len(judged(f"{EXPIRING}.noncurrentDays", 7, minimumDays=8)) == 1
    assert judged(f"{EXPIRING}.noncurrentDays", 7, minimumDays=7) == []


def test_a_bucket_without_a_lifecycle_is_a_violation() -> None:
    (found,) = stack_violations(RULE, [one for one in prod() if one.name != "bucket-lifecycle"])
    assert found.startswith(NEVER)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (EXPIRING, ABSENT),
        ("rules", []),
        ("rules.1.status", "Disabled"),
        ("rules.1.filter", {"prefix": "tmp/"}),
        ("rules.1.filter", {"tag": {"key": "a", "value": "b"}}),
    ],
)
def test_old_versions_that_never_end_are_a_violation(path: str, value: object) -> None:
    (found,) = judged(path, value)
    assert found.startswith(NEVER)


@pytest.mark.parametrize("empty", [{}, {"prefix": ""}, {"prefix": "", "tag": None}])
def test_a_filter_that_leaves_nothing_out_is_none(empty: dict[str, Any]) -> None:
    assert judged("rules.1.filter", empty) == []


@pytest.mark.parametrize("path", ["rules", "rules.1", "rules.1.status", "rules.1.filter", EXPIRING])
def test_a_lifecycle_that_is_not_decided_yet_is_none(path: str) -> None:
    assert judged(path, UNKNOWN, minimumDays=91 if path == EXPIRING else 1) == []


def test_the_lifecycle_of_another_bucket_does_not_count() -> None:
    other = replace(next(one for one in prod() if one.name == "bucket-bucket"), name="logs-bucket")
    assert len(stack_violations(RULE, [*prod(), other])) == 1
