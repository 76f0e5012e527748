"""Access matrices of changed stack files."""

import json
from collections.abc import Mapping

from components.team.access_matrix import Matrix
from factories.access import access_matrix
from settings import Settings
from tests.settings.stack_files import changed
from tools.access.difference import Difference, difference

PRICING = {"groups": {"manager": ["pricing-mlflow-users", "data-platform"]}}
RESEARCH: dict[str, object] = {}
TEAMS: dict[str, object] = {"pricing": PRICING, "research": RESEARCH}


def access(teams: Mapping[str, object] = TEAMS, stack: str = "prod", **more: object) -> Matrix:
    """The access that a committed stack file gives with these teams."""
    document = changed(stack, {"teams": teams, **more})
    return access_matrix(Settings.model_validate_json(json.dumps(document)))


def from_to(before: Mapping[str, object], after: Mapping[str, object]) -> Difference:
    """Changes of access between two versions of the teams."""
    return difference(access(before), access(after))
