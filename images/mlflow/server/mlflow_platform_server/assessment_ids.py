"""IDs of assessments that are added to a trace: the server makes them, as MLflow's API says.

MLflow 3.17.2 accepts IDs from clients. The ID is the table's primary key over all workspaces, so an error would reveal
that another team's assessment has the same ID.
"""

from collections.abc import Callable
from typing import Any


def made_here(create_assessment: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Wrap a store's `create_assessment` so that the server makes the ID."""

    def create(store: Any, assessment: Any) -> Any:
        assessment.assessment_id = None
        return create_assessment(store, assessment)

    return create
