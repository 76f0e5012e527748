"""Model versions are integers in the database and text in requests."""

from typing import Any

import pytest
from mlflow_platform_server.model_stages import with_integer_version


def store(*arguments: Any, **named: Any) -> tuple[Any, ...]:  # noqa: ANN401 - stands in for a method of MLflow's
    return (*arguments, named)


def test_a_version_reaches_the_database_as_a_number() -> None:
    transition = with_integer_version(store)
    assert transition("store", "model", "12", "Production", True) == ("store", "model", 12, "Production", True, {})  # noqa: FBT003 - MLflow passes it so
    named = transition("store", "model", "1", stage="Staging", archive_existing_versions=False)
    assert named == ("store", "model", 1, {"stage": "Staging", "archive_existing_versions": False})


@pytest.mark.parametrize(
    "version", ["latest", "", "-1", "1.5", " 1", "\u0661", "\u00b2", "9" * 20, "9" * 641, "9" * 5000]
)
def test_a_version_that_is_no_number_of_64_bits_is_left_for_mlflow_to_refuse(version: str) -> None:
    assert with_integer_version(store)("store", "model", version) == ("store", "model", version, {})
