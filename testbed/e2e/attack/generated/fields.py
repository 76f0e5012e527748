"""Fields of the server's requests, and which of them can refer to an object."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

# Names of fields that end in these hold the id of an object.
IDS = ("id", "ids", "uuid", "overrides")
LOCATIONS = ("uri", "url", "src", "source", "location", "path", "root", "link", "filename", "full_table_name")
FILTERS = ("filter", "filter_string", "filter_string1", "filter_string2", "base_filter", "filters")
# Texts that hold JSON, or are made of several values.
DOCUMENTS = (
    "model_json",
    "records",
    "serialized_scorer",
    "serialized_scorers",
    "optimizer_config_json",
    "schema",
    "profile",
    "request_metadata",
)
# Ids that name no object of a workspace: lines of a trace, and users.
NO_IDS = {"source_id", "span_id", "parent_span_id", "session_id"}
NUMBERS = ("integer", "number", "bool", "enum")
# Fields that name nothing, by reason.
NAMELESS = Path(__file__).with_name("nameless.yaml")


class Kind(StrEnum):
    """The means by which a field can refer to an object."""

    ID = "id"
    NAME = "name"
    LOCATION = "location"
    FILTER = "filter"
    ORDER = "order"
    TOKEN = "token"  # noqa: S105 - of a page
    DOCUMENT = "document"
    TAG = "tag"
    """Value of a tag: the server interprets the values of some tags."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Field:
    """A field of a route's request."""

    place: str
    """`message` (query string or body), `query`, `body`, `header` or `path`."""

    path: str
    """Names joined with dots; `[]` stands for an element of a list, `{}` for a value of a map, `{key}` for its key."""

    type: str
    operation: str = ""
    """The GraphQL operation that it belongs to."""

    @property
    def name(self) -> str:
        """The last name, in snake_case."""
        last = re.sub(r"\[\]|\{\}|\{key\}", "", self.path).rpartition(".")[2]
        return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", last).replace("-", "_").lower()

    @property
    def steps(self) -> tuple[str, ...]:
        """Keys of the path to the field; `[]` and `{}` are steps of their own."""
        parts = re.sub(r"(\[\]|\{\}|\{key\})", r".\1", self.path).split(".")
        return tuple(part for part in parts if part)


def read(document: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[Field]]:
    """Fields by route, from the output of server/fields.py."""
    found: dict[str, list[Field]] = {}
    for route, leaves in document.items():
        fields: set[Field] = set()
        for place, path, type_ in leaves:
            name, _, operation = path.partition("#")
            # Handlers look up more than fields, such as paths of routes.
            if re.match(r"[A-Za-z_]", name) and "/" not in name:
                fields.add(Field(place=place, path=name, type=type_, operation=operation))
        found[route] = sorted(fields)
    return found


def kind(field: Field) -> Kind | None:  # noqa: PLR0911 - a table, in order of precedence
    """The means by which a field can refer to an object; None for a field that cannot."""
    name = field.name
    if field.path.endswith("{key}") or field.type in NUMBERS or name in NO_IDS:
        return None
    if field.path.endswith("{}") or (name == "value" and "attributes" not in field.path):
        return Kind.TAG
    if name in FILTERS:
        return Kind.FILTER
    if name.startswith("order_by"):
        return Kind.ORDER
    if name.endswith("page_token"):
        return Kind.TOKEN
    if name in DOCUMENTS or (name == "tags" and field.type == "string"):
        return Kind.DOCUMENT
    if name.rpartition("_")[2] in IDS or name in IDS:
        return Kind.ID
    if name in LOCATIONS or name.rpartition("_")[2] in LOCATIONS or name.endswith("location"):
        return Kind.LOCATION
    if name in ("name", "names", "scorers") or name.endswith(("_name", "_names")):
        return Kind.NAME
    return None


def nameless() -> set[str]:
    """Names of the fields that were reviewed and name no object."""
    groups: Mapping[str, Sequence[str]] = yaml.safe_load(NAMELESS.read_text(encoding="utf-8"))
    return {name for names in groups.values() for name in names}


def unjudged(routes: Mapping[str, Sequence[Field]], judged: Collection[str]) -> list[str]:
    """Text fields that are neither attacked nor reviewed, each with a route, and reviewed fields that are gone."""
    found = {
        _judged_by(field): route
        for route, leaves in routes.items()
        for field in leaves
        if field.type not in NUMBERS and kind(field) is None
    }
    new = [f"not judged: {name}, for example of {found[name]}" for name in sorted(found.keys() - set(judged))]
    return [*new, *(f"no such field: {name}" for name in sorted(set(judged) - found.keys()))]


def _judged_by(field: Field) -> str:
    return f"{field.name}{{key}}" if field.path.endswith("{key}") else field.name
