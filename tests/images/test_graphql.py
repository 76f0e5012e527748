import pytest
from mlflow_platform_server import graphql


def scope(method: str, path: str, query: bytes = b"") -> dict[str, object]:
    return {"type": "http", "method": method, "path": path, "query_string": query, "headers": []}


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/clusters/demo/mlflow/graphql"])
def test_a_query_in_the_url_is_refused_because_another_one_in_the_body_would_be_executed(path: str) -> None:
    assert (
        graphql.refusal(scope("POST", path, b"query={}"))
        == "Send GraphQL queries in the body, and no query string in the URL."
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_a_query_by_another_method_is_refused(method: str) -> None:
    assert graphql.refusal(scope(method, "/graphql")) == "Send GraphQL queries by POST."


def test_a_query_in_the_body_is_let_in() -> None:
    assert graphql.refusal(scope("POST", "/graphql")) is None


def test_other_routes_may_have_a_query_string() -> None:
    assert graphql.refusal(scope("GET", "/api/2.0/mlflow/runs/get", b"run_id=1")) is None
