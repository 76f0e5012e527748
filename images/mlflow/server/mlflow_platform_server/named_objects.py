"""IDs and names of the objects that a request refers to, for the audit log.

Only a fixed list of keys is read, so values of tags, parameters, prompts or traces never get into the log. The number
and the length of values are bounded, and the key `omitted` says that some are left out: MLflow ignores keys that it
does not know, so a caller could add any number of them to a request to hide the important one.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

# Keys of IDs, which are read at any depth of a body: MLflow stores nested objects under the IDs they bring along.
IDS = frozenset(
    {
        "assessment_id",
        "dataset_id",
        "dataset_ids",
        "endpoint_id",
        "experiment_id",
        "experiment_ids",
        "job_id",
        "model_id",
        "model_ids",
        "parent_run_id",
        "request_id",
        "request_ids",
        "run_id",
        "run_ids",
        "run_uuid",
        "scorer_id",
        "source_run_id",
        "trace_id",
        "trace_ids",
        "webhook_id",
    }
)
# Keys of names, which are read at the top level only: further inside they belong to content, such as a span's name.
NAMES = frozenset(
    {
        "alias",
        "artifact_path",
        "experiment_name",
        "name",
        "new_name",
        "path",
        "stage",
        "version",
        "workspace",
        "workspace_name",
    }
)
# OpenTelemetry's exporters name them in headers; the body is no JSON.
HEADERS = {b"x-mlflow-experiment-id": "experiment_id", b"x-mlflow-run-id": "run_id"}
# More than there are keys, so that every key has a value.
MOST_VALUES = 40
LONGEST_VALUE = 200
# A larger body belongs to a few kinds of requests (traces with images); parsing it here would block all other requests.
LARGEST_BODY = 4 * 1024 * 1024
# Nested values that are visited at most.
MOST_VISITS = 5000
# Stands where a key does.
OMITTED = "omitted"
MORE = "more values"

# Flask's `<path:name>` and FastAPI's `{name:path}`.
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>|\{(?P<field>\w+)(?::(?P<suffix>\w+))?\}")

Objects = dict[str, list[str]]


def in_body(body: bytes) -> Objects:
    """The objects that a JSON body names; none if the body is not JSON."""
    if len(body) > LARGEST_BODY:
        return {OMITTED: [f"body of {len(body)} bytes"]}
    try:
        document = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return {}
    return collected(_pairs(document))


def in_query(query: bytes) -> Objects:
    """The objects that a query string names."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=1000)
    except ValueError:
        return {OMITTED: [MORE]}
    return collected(pair for pair in pairs if pair[0] in IDS | NAMES)


def in_headers(headers: Iterable[tuple[bytes, bytes]]) -> Objects:
    """The objects that headers name."""
    named = ((HEADERS.get(name.lower()), value.decode("latin-1")) for name, value in headers)
    return collected((key, value) for key, value in named if key is not None)


def in_path(route: str | None, path: str) -> Objects:
    """The path parameters of a route template such as `GET /a/{name}/b/{file:path}`; all of them are IDs and names."""
    if route is None:
        return {}
    pattern, end = "", 0
    template = route.rpartition(" ")[2]
    for number, parameter in enumerate(_PARAMETER.finditer(template)):
        pattern += re.escape(template[end : parameter.start()])
        any_depth = "path" in (parameter["kind"], parameter["suffix"])
        pattern += f"(?P<p{number}>.+)" if any_depth else f"(?P<p{number}>[^/]+)"
        end = parameter.end()
    match = re.fullmatch(pattern + re.escape(template[end:]), path, re.DOTALL)
    if match is None:
        return {}
    names = [parameter["name"] or parameter["field"] for parameter in _PARAMETER.finditer(template)]
    return collected(zip(names, match.groups(), strict=True))


def merged(*found: Objects) -> Objects:
    """Several findings as one, within the same bounds."""
    return collected((key, value) for objects in found for key, values in objects.items() for value in values)


def collected(pairs: Iterable[tuple[str, str]]) -> Objects:
    """Values by key, each once, limited in length and number; second values are left out before any first value is."""
    found: dict[str, dict[str, None]] = {}
    more = False
    for key, value in pairs:
        values = found.setdefault(key, {})
        cut = value[:LONGEST_VALUE]
        if len(values) < MOST_VALUES:
            values[cut] = None
        else:
            more = more or cut not in values
    kept = sorted((place, key) for key, values in found.items() for place in range(len(values)))[:MOST_VALUES]
    more = more or sum(map(len, found.values())) > MOST_VALUES
    objects = {key: list(values)[: sum(key == one for _, one in kept)] for key, values in found.items()}
    objects = {key: values for key, values in objects.items() if values}
    if more and OMITTED not in objects:
        objects[OMITTED] = [MORE]
    return objects


def _pairs(document: object) -> Iterator[tuple[str, str]]:
    """Keys and values of a document, level by level, so that the bounds cut off the deepest ones."""
    level: list[object] = [document]
    keys = IDS | NAMES
    visits = 0
    while level:
        deeper: list[object] = []
        for item in level:
            visits += _size(item)
            if visits > MOST_VISITS:
                yield OMITTED, MORE
                return
            for key, value in _children(item):
                if key in keys:
                    yield from ((key, text) for text in _texts(value))
                if isinstance(value, (dict, list)):
                    deeper.append(cast("object", value))
        level, keys = deeper, IDS


def _size(item: object) -> int:
    return len(cast("list[object]", item)) if isinstance(item, (dict, list)) else 0


def _children(item: object) -> list[tuple[str, Any]]:
    if isinstance(item, dict):
        return list(cast("dict[str, Any]", item).items())
    if isinstance(item, list):
        return [("", value) for value in cast("list[Any]", item)]
    return []


def _texts(value: object) -> list[str]:
    values = cast("list[object]", value)[:MOST_VALUES] if isinstance(value, list) else [value]
    return [str(one) for one in values if isinstance(one, (str, int)) and not isinstance(one, bool)]
