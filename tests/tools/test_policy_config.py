import json
from pathlib import Path

import pytest

from policy.rules import RULES
from tools import policy_config


def file(folder: Path, document: object) -> str:
    path = folder / "prod.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_a_right_file_is_taken_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert policy_config.main([file(tmp_path, {"services-are-internal": "advisory"})]) == 0
    assert capsys.readouterr() == ("", "")


def test_each_mistake_is_a_line_with_the_name_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = file(tmp_path, {"services-are-internal": "warn", "others": "advisory"})
    assert policy_config.main([name]) == 1
    assert capsys.readouterr().err == (
        f"{name}: services-are-internal must be one of mandatory, advisory, disabled, found `warn`\n"
        f"{name}: others is not a rule of this pack\n"
    )


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["/there/is/none.json"]])
def test_a_file_that_cannot_be_read_is_no_mistake_of_its_own(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert policy_config.main(arguments) == 2
    assert capsys.readouterr().err


def test_editors_know_every_rule_its_levels_and_its_parameters() -> None:
    rules = json.loads(policy_config.schema_text())["properties"]
    assert set(rules) == {"all", *(rule.name for rule in RULES)}
    for rule in RULES:
        level, whole = rules[rule.name]["anyOf"]
        assert level == {"enum": ["mandatory", "advisory", "disabled"]}
        assert set(whole["properties"]) == {"enforcementLevel", "exceptions", *rule.parameters}
