"""Stages of model versions on PostgreSQL.

MLflow 3.17.2 compares the number of a version, which is an integer in the database, with the text that it was sent,
when a version takes the place of others in a stage: the default of its page. psycopg 3 says what type each value
has, and PostgreSQL refuses (`operator does not exist: integer <> character varying`).
"""

from collections.abc import Callable
from typing import Any


def by_number(transition: Callable[..., Any]) -> Callable[..., Any]:
    """The store's `transition_model_version_stage`, with the version as the number that it is."""

    def transition_by_number(store: Any, name: str, version: str, *stage: Any, **more: Any) -> Any:
        # Anything else is left for the store to refuse.
        number = int(version) if str(version).isdecimal() else version
        return transition(store, name, number, *stage, **more)

    return transition_by_number
