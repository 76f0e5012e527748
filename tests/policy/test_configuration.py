import json
from typing import Any

import pytest

from policy.rules import RULES
from policy.rules.configuration import ConfigurationError
from tests.policy.judge import Asked, violations
from tools.policy_config import mistakes

RULE = "services-are-internal"
EXCEPTION = {"resource": "legacy-*", "reason": "old clients until the move", "until": "2027-03-31"}
RIGHT: list[dict[str, Any]] = [
    {},
    {"all": "advisory"},
    {RULE: "mandatory", "images-are-pinned": "disabled"},
    {RULE: {"enforcementLevel": "advisory", "exceptions": [EXCEPTION]}},
    {"images-come-from-known-registries": {"registries": ["registry.example.com/team"]}},
    {"data-is-protected": {"disposableStacks": []}, "buckets-keep-old-versions": {"minimumDays": 30}},
]
WRONG: list[tuple[object, str]] = [
    ([], "the file must be an object with the names of rules as keys"),
    ({"service-are-internal": "advisory"}, "service-are-internal is not a rule of this pack (did you mean services-"),
    ({"exceptions": [EXCEPTION]}, "exceptions is not a rule of this pack"),
    ({RULE: "remediate"}, f"{RULE} must be one of mandatory, advisory, disabled, found `remediate`"),
    ({RULE: {"enforcementLevel": "warn"}}, f"{RULE}.enforcementLevel must be one of mandatory, advisory, disabled"),
    ({RULE: True}, f"{RULE} must be a level or an object with enforcementLevel, parameters and exceptions"),
    ({"all": {"exceptions": []}}, "all must be a level, one of mandatory, advisory, disabled"),
    ({RULE: {"level": "advisory"}}, f"{RULE}.level is unknown: {RULE} has exceptions"),
    ({RULE: {"exceptions": EXCEPTION}}, f"{RULE}.exceptions must be a list: resources that may break the rule"),
    ({"buckets-keep-old-versions": {"minimumDays": "30"}}, "buckets-keep-old-versions.minimumDays must be a whole"),
    ({"buckets-keep-old-versions": {"minimumDays": True}}, "buckets-keep-old-versions.minimumDays must be a whole"),
    ({"buckets-keep-old-versions": {"minimumDays": 0}}, "buckets-keep-old-versions.minimumDays must be at least 1"),
    ({"aws-is-tagged": {"keys": ["team", 1]}}, "aws-is-tagged.keys[1] must be a text"),
]


def with_exception(**changes: object) -> dict[str, Any]:
    """A file with one exception that is different; None leaves the key out."""
    changed = {key: value for key, value in {**EXCEPTION, **changes}.items() if value is not None}
    return {RULE: {"exceptions": [changed]}}


WRONG_EXCEPTIONS: list[tuple[dict[str, object], str]] = [
    ({"reason": None}, "reason is missing: why the resource may break the rule"),
    ({"reason": ""}, "reason must not be ``: why the resource may break the rule"),
    ({"reason": " \n"}, "reason must not be ` \n`"),
    ({"until": None}, "until is missing: last day of the exception"),
    ({"until": "soon"}, "until must not be `soon`: last day of the exception, as YYYY-MM-DD"),
    ({"until": "2027-02-30"}, "until must not be `2027-02-30`"),
    ({"until": "20270331"}, "until must not be `20270331`"),
    ({"until": 2027}, "until must be a text"),
    ({"resource": None}, "resource is missing: name of the Pulumi resource"),
    ({"resource": "*"}, "resource must not be `*`"),
    ({"rule": RULE}, "rule is unknown"),
]


@pytest.mark.parametrize("document", RIGHT, ids=str)
def test_a_file_without_mistakes_is_taken(document: dict[str, Any]) -> None:
    assert mistakes(json.dumps(document)) == []


@pytest.mark.parametrize(("document", "sentence"), WRONG, ids=str)
def test_a_mistake_in_a_file_is_a_sentence(document: object, sentence: str) -> None:
    (found,) = mistakes(json.dumps(document))
    assert found.startswith(sentence)


@pytest.mark.parametrize(("changes", "sentence"), WRONG_EXCEPTIONS, ids=str)
def test_an_exception_without_a_reason_a_date_or_a_resource_is_refused(
    changes: dict[str, object], sentence: str
) -> None:
    (found,) = mistakes(json.dumps(with_exception(**changes)))
    assert found.startswith(f"{RULE}.exceptions[0].{sentence}")


@pytest.mark.parametrize(("text", "sentence"), [("", "it is not JSON"), ('{"a": 1, "a": 2}', "the key a occurs twice")])
def test_what_is_no_json_or_says_a_key_twice_is_refused(text: str, sentence: str) -> None:
    (found,) = mistakes(text)
    assert sentence in found


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(json.dumps({"a": "advisory", RULE: "warn", "all": "x"}))) == 3


@pytest.mark.parametrize(
    "config", [{"x": 1}, with_exception(reason="")[RULE], with_exception(until="2027-13-01")[RULE]], ids=str
)
def test_the_pack_itself_refuses_what_pulumi_lets_through(config: dict[str, Any]) -> None:
    service = Asked(type="kubernetes:core/v1:Service", inputs={})
    assert violations(RULE, service, {}) == []
    with pytest.raises(ConfigurationError, match=f"{RULE}\\."):
        violations(RULE, service, config)


def test_every_parameter_has_a_meaning_and_a_default_that_its_schema_allows() -> None:
    for rule in RULES:
        for name, schema in rule.parameters.items():
            assert schema["description"], name
            assert mistakes(json.dumps({rule.name: {name: schema["default"]}})) == []
