"""Who a request's identity headers name."""

from dataclasses import replace

import pytest
from mlflow_platform_server import callers
from mlflow_platform_server.request_identity import IdentityHeaders
from mlflow_platform_server.scope import Caller

BY_NAME = IdentityHeaders(
    user_header="x-forwarded-email", groups_header="x-forwarded-groups", groups_separator=",", authorizes_by_token=False
)
BY_TOKEN = replace(BY_NAME, authorizes_by_token=True)


def of(expected: IdentityHeaders, **named: str) -> Caller | None:
    headers = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    return callers.of(headers, expected)


def test_the_caller_has_the_name_and_the_groups_of_the_headers() -> None:
    caller = of(BY_NAME, X_Forwarded_Email=" alice@example.com ", X_Forwarded_Groups="a, b,,")
    assert caller == Caller(user="alice@example.com", groups=("a", "b"), claimed_groups=("a", "b"))


@pytest.mark.parametrize("named", [{}, {"X_Forwarded_Email": " "}, {"X_Forwarded_Groups": "a"}])
def test_without_a_name_there_is_no_caller(named: dict[str, str]) -> None:
    assert of(BY_NAME, **named) is None


def test_a_token_counts_only_where_reviews_are_sent_with_it() -> None:
    caller = of(BY_NAME, X_Forwarded_Email="a@b.c", Authorization="Bearer one")
    assert caller is not None
    assert caller.token is None


@pytest.mark.parametrize(
    "named",
    [
        {"Authorization": "Bearer one", "X_Forwarded_Access_Token": "two"},
        {"Authorization": "Basic x", "X_Forwarded_Access_Token": "one"},
        {"X_Forwarded_Access_Token": "bearer one"},
    ],
)
def test_the_token_is_the_one_that_the_plugin_takes(named: dict[str, str]) -> None:
    caller = of(BY_TOKEN, **named)
    assert caller is not None
    assert caller.token == "one"  # noqa: S105 - not a secret


def test_a_name_without_a_token_is_no_caller_there() -> None:
    assert of(BY_TOKEN, X_Forwarded_Email="a@b.c", Authorization="Basic x") is None
