"""Texts of errors that GraphQL's resolvers raise."""

import logging

import pytest
from mlflow_platform_server import scope
from mlflow_platform_server.graphql_errors import ErrorTexts, FailedError


class SaidError(Exception):
    """An error with a text for clients."""


def resolved(error: Exception | None) -> object:
    def resolver(_root: object, _info: object, **arguments: object) -> object:
        if error is not None:
            raise error
        return arguments

    with scope.background("the-id", "team-a"):
        return ErrorTexts(SaidError).resolve(resolver, None, None, run_id="r")


def test_a_value_arrives_as_it_is() -> None:
    assert resolved(None) == {"run_id": "r"}


def test_what_mlflow_says_to_clients_arrives_as_it_is() -> None:
    error = SaidError("Run with id=nope not found")
    with pytest.raises(SaidError) as raised:
        resolved(error)
    assert raised.value is error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(36, "File name too long", "/mlflow/artifacts/workspaces"), "The server failed"),
        (ValueError('Could not connect to the endpoint URL: "http://seaweedfs:8333"'), "The server failed"),
        (SaidError("An error occurred (AccessDenied) when calling the ListObjectsV2 operation"), "An error occurred"),
        (SaidError("[SQL: SELECT secret]"), "The server failed"),
    ],
)
def test_everything_else_is_for_the_log_under_the_requests_id(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(FailedError) as raised:
        resolved(error)
    text = str(raised.value)
    assert text.startswith(said)
    assert text.endswith("Request ID: the-id")
    assert not any(word in text for word in ("seaweedfs", "/mlflow", "ListObjects", "SELECT"))
    assert "the-id" in caplog.text
    assert str(error) in caplog.text
