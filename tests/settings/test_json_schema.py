"""The schema for editors accepts what a preview accepts, and marks the mistakes that need no comparison of settings."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest

from settings import PROJECT, external_page, json_schema, page_examples
from settings.loader import from_file
from settings.secrets import NEEDS
from tests.settings.cases import EXTERNAL, OIDC, S3
from tests.settings.stack_files import ROOT, changed, committed, validated

SCHEMA = json_schema.schema()
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
Check = Callable[[Any, Any, str], Iterator[str]]
"""The paths of all wrong values by one keyword, of its value and a value in the document."""


def wrong(schema: Any, value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """The paths of all values that a schema refuses."""
    if isinstance(schema, bool):
        yield from () if schema else (path,)
        return
    for keyword, wanted in schema.items():
        yield from CHECKS[keyword](wanted, value, path)
    if "if" in schema:
        yield from wrong(schema["else" if [*wrong(schema["if"], value)] else "then"], value, path)
    if schema.get("additionalProperties") is False:
        patterns = "|".join(schema.get("patternProperties", {"(?!)": True}))
        known = schema.get("properties", ())
        yield from (f"{path}/{key}" for key in _entries(value) if key not in known and not re.search(patterns, key))


def _entries(value: Any) -> dict[str, Any]:  # noqa: ANN401
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _type(wanted: str, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    if not isinstance(value, TYPES[wanted]) or (wanted == "integer" and isinstance(value, bool)):
        yield path


def _properties(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    for key in wanted.keys() & _entries(value).keys():
        yield from wrong(wanted[key], value[key], f"{path}/{key}")


def _others(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    # With `properties` beside it, `false` is validated by `wrong`.
    for key in _entries(value) if wanted is not False else ():
        yield from wrong(wanted, value[key], f"{path}/{key}")


def _patterns(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    for pattern, schema in wanted.items():
        for key in _entries(value):
            if re.search(pattern, key):
                yield from wrong(schema, value[key], f"{path}/{key}")


def _items(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    for index, item in enumerate(cast("list[Any]", value) if isinstance(value, list) else ()):
        yield from wrong(wanted, item, f"{path}/{index}")


def _names(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    for key in _entries(value):
        yield from wrong(wanted, key, f"{path}/{key}")


def _one(schemas: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    found = [list(wrong(schema, value, path)) for schema in schemas]
    if [] not in found:
        # Of the kinds, the one that was meant.
        yield from next((paths for paths in found if f"{path}/kind" not in paths and path not in paths), [path])


def _unless(right: Callable[[Any, Any], bool], of: type) -> Check:
    def check(wanted: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
        if isinstance(value, of) and not right(wanted, value):
            yield path

    return check


def _nothing(*_: object) -> Iterator[str]:
    return iter(())


CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(["$schema", "$defs", "title", "description", "default", "format", "patternErrorMessage"], _nothing),
    # `wrong` chooses one of them.
    **dict.fromkeys(["if", "then", "else"], _nothing),
    "$ref": lambda wanted, value, path: wrong(SCHEMA["$defs"][wanted.rpartition("/")[2]], value, path),
    "type": _type,
    "properties": _properties,
    "additionalProperties": _others,
    "patternProperties": _patterns,
    "propertyNames": _names,
    "items": _items,
    "anyOf": _one,
    "oneOf": _one,
    "required": lambda wanted, value, path: (
        f"{path}/{key}" for key in wanted if isinstance(value, dict) and key not in value
    ),
    "const": _unless(lambda wanted, value: value == wanted, object),
    "enum": _unless(lambda wanted, value: value in wanted, object),
    "pattern": _unless(lambda wanted, value: re.search(wanted, value) is not None, str),
    "minimum": _unless(lambda wanted, value: value >= wanted, int),
    "maximum": _unless(lambda wanted, value: value <= wanted, int),
    "minItems": _unless(lambda wanted, value: len(value) >= wanted, list),
    "minProperties": _unless(lambda wanted, value: len(value) >= wanted, dict),
}


def complaints(document: Mapping[str, object], **others: object) -> list[str]:
    """Paths below `config:` that the schema refuses, without the project's prefix."""
    config = {f"{PROJECT}:{key}": value for key, value in document.items()} | others
    return [path.removeprefix(f"/config/{PROJECT}:") for path in wrong(SCHEMA, {"config": config})]


RIGHT: Mapping[str, Mapping[str, object]] = {
    "dev": committed("dev"),
    "prod": committed("prod"),
    "the page's examples": {
        key: value
        for group in page_examples.GROUPS
        for key, value in from_file(page_examples.example(group)).document.items()
    },
    "services of the company": changed("dev", {"database": EXTERNAL, "artifacts": S3, "login": OIDC}),
    "a profile that sets what is missing": changed("prod", {"database/instanceClass": ...}),
    "a part of autoscaling": changed("prod", {"server/autoscaling": {"cpuPercent": 50}}),
    "a server of somebody else": from_file(external_page.EXAMPLE).document,
    "null for what is optional": changed("dev", {"cluster": {"context": None}}),
}
WRONG: Mapping[str, tuple[Mapping[str, object], str]] = {
    "an unknown section": ({"sever": {}}, "sever"),
    "an unknown key": ({"server/replica": 2}, "server/replica"),
    "a missing section": ({"login": ...}, "login"),
    "a missing key": ({"server/image": ...}, "server/image"),
    "an unknown kind": ({"database/kind": "extern"}, "database"),
    "a key of another kind": ({"database/host": "db.example.com"}, "database/host"),
    "a text for a number": ({"server/replicas": "2"}, "server/replicas"),
    "a number out of range": ({"server/replicas": 21}, "server/replicas"),
    "an unknown alternative": ({"profile": "prod"}, "profile"),
    "a size without a unit": ({"server/memory": "700"}, "server/memory"),
    "no teams": ({"teams": {}}, "teams"),
    "a wrong name of a team": ({"teams/Team_C": {}}, "teams/Team_C"),
    "a secret in plain text": ({"loginClientSecret": "plain"}, "loginClientSecret"),
}


@pytest.mark.parametrize("document", RIGHT.values(), ids=RIGHT)
def test_what_a_preview_accepts_the_schema_accepts(document: Mapping[str, object]) -> None:
    assert validated(document).mistakes == []
    assert complaints(document) == []


@pytest.mark.parametrize(("changes", "path"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_one_value_is_marked_at_its_key(changes: Mapping[str, object], path: str) -> None:
    assert complaints(changed("dev", changes)) == [path]


def test_encrypted_secrets_and_keys_of_other_programs_are_accepted() -> None:
    secrets = {name: {"secure": "v1:abc"} for name in NEEDS}
    assert complaints({**committed("dev"), **secrets}, **{"aws:region": "x", "kubernetes:context": "y"}) == []


def test_every_kind_and_every_key_is_described() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["description"], name
        bare = [key for key, value in definition["properties"].items() if not ({"description", "$ref"} & value.keys())]
        assert bare == [], name


def test_a_default_that_depends_on_the_profile_is_not_shown() -> None:
    server = SCHEMA["$defs"]["Server"]["properties"]
    assert "default" not in server["workers"]
    assert server["spread"]["default"] == "preferred"


def test_every_default_may_be_written() -> None:
    for name, definition in SCHEMA["$defs"].items():
        for key, value in definition["properties"].items():
            if "default" in value:
                assert [*wrong(value, value["default"], key)] == [], name


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_committed_stack_file_names_the_schema_in_its_first_line(stack: str) -> None:
    first, _, _ = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").partition("\n")
    assert first.startswith("# yaml-language-server: $schema=")
    assert json.loads((ROOT / first.partition("=")[2]).read_text(encoding="utf-8")) == SCHEMA
