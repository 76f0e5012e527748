"""Bound of traces in JSON: their number of spans. Values and depth have been bounded before (`json_bounds.py`)."""

import json
from collections.abc import Iterator
from typing import Any, cast

from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.refusals import TooLargeError

# protobuf's parser of JSON takes both spellings.
_RESOURCES, _SCOPES, _SPANS = ("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans",)


def check(body: bytes, bounds: Bounds) -> int:
    """The number of spans in a body; 0 if it is not JSON.

    Raises:
        TooLargeError: the body has too many spans.
    """
    try:
        found: list[object] = [json.loads(body)]
    except ValueError:
        return 0
    for keys in (_RESOURCES, _SCOPES, _SPANS):
        found = [item for one in found for item in _items(one, keys)]
    if len(found) > bounds.trace_spans:
        raise TooLargeError("The number of spans in a request", str(bounds.trace_spans), "trace_spans")
    return len(found)


def _items(document: object, keys: tuple[str, ...]) -> Iterator[object]:
    if isinstance(document, dict):
        fields = cast("dict[str, Any]", document)
        for key in keys:
            value = fields.get(key)
            if isinstance(value, list):
                yield from cast("list[object]", value)
