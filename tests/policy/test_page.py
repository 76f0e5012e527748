import re

from policy.rules import RULES
from tests.policy_page import PARAMETER_HEAD, RULE_HEAD, with_tables
from tests.program.stacks import ROOT
from tools.policy_config import mistakes

PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_rule_with_reason_remedy_and_reference() -> None:
    for rule in RULES:
        (row,) = re.findall(rf"^\\| `{rule.name}` \\| {re.escape(rule.demands)} .*$", PAGE, re.MULTILINE)
        for cell in (rule.reason, rule.remedy, rule.reference.title, rule.reference.url):
            assert cell in row


def test_a_table_that_is_out_of_date_is_renewed() -> None:
    old = f"before\n\n{RULE_HEAD}\n|---|\n| gone |\n\nbetween\n\n{PARAMETER_HEAD}\n|---|\n\nafter\n"
    new = with_tables(old)
    assert "gone" not in new
    assert all(f"| `{rule.name}` |" in new for rule in RULES)
    assert [line for line in new.splitlines() if line and not line.startswith("|")] == ["before", "between", "after"]
    assert with_tables(new) == new


def test_the_file_that_the_page_shows_has_no_mistakes() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert mistakes(shown) == []
