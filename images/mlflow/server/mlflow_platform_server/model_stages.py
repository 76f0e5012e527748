"""Workaround for stages of model versions on PostgreSQL.

A client that moves a model version to a stage can ask MLflow to archive the versions that the stage held before; on a
model version's page this option is preselected. MLflow 3.17.2 then compares the version, in the database an integer,
with the string that the client sent. psycopg 3 sends each value with its type, and PostgreSQL refuses the comparison
(`operator does not exist: integer <> character varying`).
"""

import re
from collections.abc import Callable
from typing import Any

# As many digits as an integer of 64 bits has; `int` fails for hundreds of them.
_NUMBER = re.compile(r"[0-9]{1,19}")


def with_integer_version(transition: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the store's `transition_model_version_stage` so that it gets the version as an integer."""

    def transition_with_integer(store: Any, name: str, version: str, *stage: Any, **more: Any) -> Any:
        # A version that is no number is passed on for the store to refuse.
        number = int(version) if _NUMBER.fullmatch(str(version)) else version
        return transition(store, name, number, *stage, **more)

    return transition_with_integer
