"""The tables of docs/policy.md, which come from the rules themselves (`make generate`)."""

import json
import re
from collections.abc import Iterator

from policy.rules import RULES
from policy.rules.rule import Rule

# The two tables begin with these lines.
RULE_HEAD = "| rule | demands | why | remedy | reference |"
PARAMETER_HEAD = "| rule | parameter | what it is | default |"


def with_tables(text: str) -> str:
    """The page with the current tables."""
    for head, rows in ((RULE_HEAD, map(_rule, RULES)), (PARAMETER_HEAD, _parameters())):
        columns = head.count("|") - 1
        table = "\n".join((head, "|---" * columns + "|", *rows))
        text = re.sub(rf"{re.escape(head)}\n(?:\|.*\n)+", lambda _, whole=table: f"{whole}\n", text)
    return text


def _rule(rule: Rule) -> str:
    reference = f"[{rule.reference.title}]({rule.reference.url})"
    return f"| `{rule.name}` | {rule.demands} | {rule.reason} | {rule.remedy} | {reference} |"


def _parameters() -> Iterator[str]:
    for rule in RULES:
        for name, schema in rule.parameters.items():
            yield f"| `{rule.name}` | `{name}` | {schema['description']} | `{json.dumps(schema['default'])}` |"
