"""A setting that is null counts as left out, if null is its default."""

import functools
import itertools
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import cast

import pytest
from pydantic import BaseModel

from settings import Settings, outline
from tests.settings import wrong_aws, wrong_backing
from tests.settings.cases import EXTERNAL, Case
from tests.settings.stack_files import Document, changed, committed, validated

GENERATED = {**EXTERNAL, "credentials": {"kind": "generated"}}
# A profile sets these to something else.
OF_PROFILES = {"server/autoscaling", "artifacts/tieringDays"}
CHANGED = re.compile("database/|artifacts/|aws")
FILES: dict[str, Document] = {
    "dev": committed("dev"),
    "prod": committed("prod"),
    "a generated password": changed("dev", {"database": GENERATED}),
    "one role": changed("prod", {"profile": "production", "database": EXTERNAL}),
    "too many connections at RDS": changed("prod", {"server/workers": 16}),
    **{
        f"{table.__name__}: {name}": changed(case.base, case.changes)
        for table in (wrong_aws, wrong_backing)
        for name, case in cast("dict[str, Case]", table.CASES).items()
    },
}


def nullable(model: type[BaseModel], section: Document, above: str = "") -> Iterator[str]:
    """Paths of all settings of the sections in a document whose default is null, with slashes."""
    for name, field in outline.fields(model).items():
        path, value, inner = f"{above}{name}", section.get(name), outline.models(field.annotation)
        if not field.is_required() and outline.default(field) is None:
            yield path
        if isinstance(value, dict) and inner:
            content = cast("Document", value)
            chosen = [one for one in inner if outline.choice(one) in (None, content.get("kind"))]
            if "*" in outline.prefix_in(name, field):
                for entry in content:
                    if isinstance(content[entry], dict):
                        yield from nullable(chosen[0], content[entry], f"{path}/{entry}/")
            else:
                yield from itertools.chain.from_iterable(nullable(one, content, f"{path}/") for one in chosen)


def with_value(document: Document, path: str, value: object) -> Document:
    """A copy of the document with another value of a setting; `...` leaves the setting out."""
    copy = deepcopy(document)
    *above, last = path.split("/")
    section = functools.reduce(lambda outer, step: outer[step], above, copy)
    section.pop(last, None)
    if value is not ...:
        section[last] = value
    return copy


def answers(document: Document) -> list[object]:
    got = validated(document)
    return [got.mistakes, got.warnings, got.needed_secrets, got.secret_mistakes]


@pytest.mark.parametrize("name", FILES)
def test_null_is_judged_as_if_the_key_were_left_out(name: str) -> None:
    paths = {*nullable(Settings, FILES[name])} - OF_PROFILES
    # The tables of wrong files change these sections only.
    for path in paths if name in ("dev", "prod") else filter(CHANGED.match, paths):
        assert answers(with_value(FILES[name], path, None)) == answers(with_value(FILES[name], path, ...)), path
