"""Check a stack's file for the policy pack: levels, parameters and exceptions of rules (docs/policy.md).

Run `python -m tools.policy_config FILE`. Exit codes: 0 if the pack accepts the file; 1 if it has mistakes, each of
which is printed as a sentence; 2 if it cannot be read.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from policy.rules import RULES, configuration, exceptions
from policy.rules.exceptions import EXCEPTIONS

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def mistakes(text: str) -> list[str]:
    """A sentence for each mistake in a file."""
    try:
        document: object = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        return [f"it is not JSON: {error}"]
    return list(configuration.file_faults(document, {rule.name: rule.parameters for rule in RULES}))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key} occurs twice")
        found[key] = value
    return found


def schema_text() -> str:
    """The text of docs/policy-config.schema.json, with which editors check and complete the file."""
    level = {"enum": [*configuration.LEVELS]}
    shared = {"$ref": f"#/$defs/{EXCEPTIONS}"}
    rules: dict[str, Any] = {configuration.ALL: {**level, "description": "level of every rule that is not listed"}}
    for rule in RULES:
        properties = {configuration.LEVEL: level, **rule.parameters, EXCEPTIONS: shared}
        entry = {"type": "object", "properties": properties, "additionalProperties": False}
        rules[rule.name] = {"description": rule.demands, "anyOf": [level, entry]}
    document = {
        "$schema": SCHEMA,
        "title": "Levels, parameters and exceptions of the policy pack",
        "description": "Written by `make generate`; docs/policy.md explains it.",
        "type": "object",
        "properties": rules,
        "additionalProperties": False,
        "$defs": {EXCEPTIONS: exceptions.SCHEMA},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the mistakes in a file; returns the exit code."""
    match sys.argv[1:] if arguments is None else list(arguments):
        case [name]:
            pass
        case _:
            print("usage: python -m tools.policy_config FILE", file=sys.stderr)
            return 2
    try:
        found = mistakes(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        print(f"{name} cannot be read: {error}", file=sys.stderr)
        return 2
    for sentence in found:
        print(f"{name}: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
