"""Bounds of GraphQL requests, checked before the query is parsed: the authorisation parses it in the event loop.

MLflow itself bounds what a query selects (1,000 fields, ten levels, ten aliases), but only after it was parsed.
"""

import json
import re

from mlflow_platform_server.bounds import Bounds
from mlflow_platform_server.refusals import MalformedError, TooLargeError

# Comments, texts between three quotes and one, names and numbers, and every other character; commas are white space.
_TOKEN = re.compile(
    r"#[^\n\r]*+"
    r'|"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:"""|\Z)'
    r'|"(?:[^"\\\n\r]++|\\.)*+"?'
    r"|\.\.\.|\w++|[^\s,\w]"
)
_OPENING, _CLOSING = frozenset("{[("), frozenset("}])")


def check(body: bytes, bounds: Bounds) -> None:
    """Check a request's JSON body, whose size and depth were checked before.

    Raises:
        TooLargeError: the query has too many tokens, or is nested too deep.
        MalformedError: there is no query.
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    query = document.get("query") if isinstance(document, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(query, str):
        message = "The body is no GraphQL request: send a JSON object with the query as a string under the key `query`."
        raise MalformedError(message)
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(query), start=1):
        if number > bounds.graphql_tokens:
            raise TooLargeError("The number of tokens in the query", str(bounds.graphql_tokens), "graphql_tokens")
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if depth > bounds.graphql_depth:
            raise TooLargeError("The depth of the query", str(bounds.graphql_depth), "graphql_depth")
