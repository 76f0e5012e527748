import datetime as dt
from typing import Any

import pytest

from policy.rules import exceptions
from tests.policy.examples import POD, deployment
from tests.policy.judge import Asked, changed, stack_violations, violations

RULE = "services-are-internal"
SENTENCE = "spec.type must not be NodePort: expose the Service through an Ingress that requires sign-in"
SERVICE = Asked(type="kubernetes:core/v1:Service", inputs={"spec": {"type": "NodePort"}}, name="legacy-web")
TODAY = dt.date(2027, 3, 31)


@pytest.fixture(autouse=True)
def date(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same day in every test."""
    monkeypatch.setattr(exceptions, "today", lambda: TODAY)


def exempt(resource: str, until: str, reason: str = "old clients") -> dict[str, Any]:
    return {"resource": resource, "reason": reason, "until": until}


def with_exceptions(*listed: dict[str, Any]) -> list[str]:
    return violations(RULE, SERVICE, {"exceptions": list(listed)})


@pytest.mark.parametrize(
    "pattern", ["legacy-web", "legacy-*", "kubernetes:core/v1:Service::legacy-web", "kubernetes:core/v1:Service::*"]
)
def test_an_exception_lets_its_resource_break_the_rule(pattern: str) -> None:
    assert with_exceptions(exempt(pattern, "2027-12-31")) == []


@pytest.mark.parametrize("pattern", ["web", "legacy", "Legacy-web", "legacy-web-*", "kubernetes:core/v1:Secret::*"])
def test_an_exception_for_another_resource_is_none(pattern: str) -> None:
    assert with_exceptions(exempt(pattern, "2027-12-31")) == [SENTENCE]


def test_an_exception_ends_with_its_last_day_and_the_violation_says_so() -> None:
    assert with_exceptions(exempt("legacy-*", "2027-03-31")) == []
    assert with_exceptions(exempt("legacy-*", "2027-03-30")) == [
        f"{SENTENCE}; the exception for this (old clients) expired on 2027-03-30: fix the violation, or renew the date"
    ]


def test_an_exception_that_holds_counts_beside_one_that_has_expired() -> None:
    assert with_exceptions(exempt("legacy-*", "2026-01-01"), exempt("legacy-web", "2027-12-31")) == []


def test_the_last_one_of_several_expired_exceptions_is_named() -> None:
    (found,) = with_exceptions(exempt("legacy-*", "2026-01-01", "first"), exempt("legacy-web", "2026-06-30", "second"))
    assert "(second) expired on 2026-06-30" in found


def test_a_rule_about_the_stack_has_exceptions_for_the_violating_resource() -> None:
    inputs = changed({"spec": {"replicas": 2}}, "spec.template.spec", POD)
    rule, workload = "replicas-are-spread", deployment(inputs)
    assert len(stack_violations(rule, [workload])) == 1
    assert stack_violations(rule, [workload], {"exceptions": [exempt("example", "2027-12-31")]}) == []
    (found,) = stack_violations(rule, [workload], {"exceptions": [exempt("example", "2027-01-01")]})
    assert found.endswith("expired on 2027-01-01: fix the violation, or renew the date")
