"""GraphQL queries are bounded before they are parsed."""

import json
import random

import pytest
from asgi import limits
from mlflow_platform_server import graphql_bounds
from mlflow_platform_server.refusals import MalformedError, TooLargeError

# As MLflow's page of a run sends it, shortened.
PAGE = """
query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    __typename
    apiError { helpUrl code message }
    run { info { runName status } experiment { experimentId tags { key value } } data { metrics { key value } } }
  }
}
fragment Input on MlflowRun { info { runId } }
"""


def check(query: object, **changes: int) -> None:
    graphql_bounds.check(json.dumps({"query": query}).encode(), limits(**changes))


def test_a_query_of_the_pages_passes() -> None:
    check(PAGE)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("{" + "a" * 10 + " a" * 1000 + "}", "graphqlTokens"),
        ("{" + "".join(f"a{n}:a " for n in range(400)) + "}", "graphqlTokens"),
        ("{" + "...F " * 600 + "}", "graphqlTokens"),
        ("".join(f"fragment F{n} on Q{{...F{n + 1} ...F{n + 1}}}" for n in range(150)), "graphqlTokens"),
        ("{a(b:" + "[" * 30, "graphqlDepth"),
        ("{a" * 21, "graphqlDepth"),
        ("{a(b:{c:" * 11, "graphqlDepth"),
        ("{... on Q" * 21, "graphqlDepth"),
    ],
    ids=["fields", "aliases", "spreads", "fragments", "lists", "fields in fields", "objects", "inline fragments"],
)
def test_a_query_that_would_take_long_is_refused_at_a_bound_that_the_message_names(query: str, named: str) -> None:
    with pytest.raises(TooLargeError, match=rf"server\.bounds\.{named}"):
        check(query)


@pytest.mark.parametrize("hidden", ['"}}}"', '"""}" }"""', "#}}}\n", '"\\"}}"', '"""\\""" }}"""', '""'])
def test_brackets_in_texts_and_comments_close_nothing(hidden: str) -> None:
    with pytest.raises(TooLargeError, match="depth"):
        check(f"{{a(b:{hidden} c:1)" * 11, graphql_depth=10)


@pytest.mark.parametrize("seed", range(50))
def test_texts_of_any_content_are_one_token(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    text = json.dumps("".join(random_.choices('ab"\\{}[]()#.,é', k=50)))
    check(f"{{a(b:{text})}}", graphql_tokens=8, graphql_depth=2)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"query":1}', b"{", b"\xff", b'{"query":null}'])
def test_a_body_without_a_query_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="no GraphQL request"):
        graphql_bounds.check(body, limits())
