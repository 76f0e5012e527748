"""Bounds of requests: how much one request, one caller and one team may use at once.

The stack file sets them (`server.bounds`), and settings/schema/bounds.py describes each one. Sizes are in the unit that
the name ends with.
"""

import json
from dataclasses import dataclass

VARIABLE = "MLFLOW_PLATFORM_BOUNDS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """All bounds, named as in the stack file, in snake case."""

    body_mebibytes: int
    bodies_mebibytes: int
    transfers: int
    transfer_mebibytes: int
    idle_seconds: int
    body_seconds: int
    json_elements: int
    json_depth: int
    text_elements: int
    trace_spans: int
    trace_fields: int
    graphql_kibibytes: int
    graphql_tokens: int
    graphql_depth: int
    drain_mebibytes: int
    drain_seconds: int
    filter_clauses: int
    filter_characters: int
    sort_keys: int
    queue_seconds: int
    queued_requests: int
    team_percent: int
    slots_percent: int
    team_requests_per_second: int
    caller_requests_per_second: int
    statement_seconds: int
    header_seconds: int
    header_kibibytes: int
    connections: int
    review_seconds: int
    outage_seconds: int
    webhook_seconds: int


def read(text: str) -> Bounds:
    """The bounds in a JSON object with one number for each name.

    Raises:
        TypeError: a name is missing, or is not the name of a bound.
    """
    return Bounds(**json.loads(text))
