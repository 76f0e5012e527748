"""Versions of models are numbers in the database, and texts in requests."""

from typing import Any

from mlflow_platform_server.stages import by_number


def store(*arguments: Any, **named: Any) -> tuple[Any, ...]:  # noqa: ANN401 - stands in for a method of MLflow's
    return (*arguments, named)


def test_a_version_reaches_the_database_as_a_number() -> None:
    transition = by_number(store)
    assert transition("store", "model", "12", "Production", True) == ("store", "model", 12, "Production", True, {})  # noqa: FBT003 - MLflow passes it so
    named = transition("store", "model", "1", stage="Staging", archive_existing_versions=False)
    assert named == ("store", "model", 1, {"stage": "Staging", "archive_existing_versions": False})


def test_what_is_no_number_is_left_to_mlflow_to_refuse() -> None:
    assert by_number(store)("store", "model", "latest") == ("store", "model", "latest", {})
