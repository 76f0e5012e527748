"""Webhooks whose secret was encrypted with another key."""

from typing import Any

import pytest
from mlflow_platform_server import webhook_secrets


class OtherKeyError(Exception):
    """Fake of the error of a decryption with another key."""


class Column:
    """Fake of MLflow's encrypted column: a value begins with the name of its key."""

    def __init__(self, key: str) -> None:
        self._key = key

    def process_result_value(self, value: str | None, _: object) -> str | None:
        """Decrypt a value."""
        if value is None:
            return None
        key, _, secret = value.partition(":")
        if key != self._key:
            raise OtherKeyError(value)
        return secret


@pytest.fixture
def column() -> Any:  # noqa: ANN401 - a class that is changed
    changed = type("Changed", (Column,), {"process_result_value": Column.process_result_value})
    webhook_secrets.install(changed, OtherKeyError)
    return changed("new")


def test_a_secret_of_the_same_key_is_read(column: Any) -> None:  # noqa: ANN401
    assert column.process_result_value("new:abc", None) == "abc"
    assert column.process_result_value(None, None) is None


def test_a_secret_of_another_key_is_read_as_lost_and_tells_nothing(column: Any) -> None:  # noqa: ANN401
    lost = column.process_result_value("old:abc", None)
    assert lost == ""
    with pytest.raises(webhook_secrets.LostSecretError, match=r"cannot be decrypted.*set the secret again"):
        webhook_secrets.check(lost)


@pytest.mark.parametrize("secret", [None, "", "abc"])
def test_webhooks_with_a_secret_or_without_one_are_delivered(secret: str | None) -> None:
    webhook_secrets.check(secret)


def test_other_errors_stay_errors(column: Any) -> None:  # noqa: ANN401
    with pytest.raises(AttributeError):
        column.process_result_value(7, None)
