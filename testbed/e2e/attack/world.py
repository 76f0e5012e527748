"""Objects of a workspace for the attackers to aim at, with secrets planted wherever a reader would see them."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from testbed.e2e.attack.line import Line
from testbed.e2e.attack.table import JSON_HEADERS, Request, fill
from tools.versions import MLFLOW

OBJECTS = Path(__file__).with_name("objects.yaml")
# Below this an id may be part of anything: experiments are numbered.
ID_LENGTH = 16
SCORER = {
    "name": "length",
    "description": None,
    "aggregations": None,
    "is_session_level_scorer": False,
    "mlflow_version": MLFLOW,
    "serialization_version": 1,
    "builtin_scorer_class": "Safety",
    "builtin_scorer_pydantic_data": {"name": "safety"},
}
# Values that two workspaces have in common.
PUBLIC = ("scorer_code", "workspace")
NAMED = {
    "experiment_name": "experiment",
    "registered": "registered",
    "doomed_registered": "doomed-registered",
    "renamed": "renamed",
    "prompt": "prompt",
    "scorer": "scorer",
    "doomed_scorer": "doomed-scorer",
    "schema_name": "schema",
    "queue_name": "queue",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The objects of one caller in one workspace."""

    workspace: str
    values: Mapping[str, str] = field(repr=False)
    """Values by the names that routes.yaml uses."""

    secrets: frozenset[str] = field(repr=False)
    """Values that must not leak: texts, names and ids."""

    def with_fresh(self) -> dict[str, str]:
        """The values, with names that no object has yet."""
        return {**self.values, **fresh()}


def fresh() -> dict[str, str]:
    """Names that no object has yet."""
    return {"fresh": f"fresh-{uuid.uuid4().hex}", "fresh_hex": uuid.uuid4().hex}


def make(line: Line, token: str, workspace: str) -> World:
    """Make every object of objects.yaml."""
    secret, name = f"secret-{uuid.uuid4().hex}", f"name-{uuid.uuid4().hex[:8]}"
    values = {
        "workspace": workspace,
        "secret": secret,
        "name": name,
        "trace_hex": uuid.uuid4().hex,
        "scorer_code": json.dumps(SCORER),
    }
    values |= {key: f"{name}-{suffix}" for key, suffix in NAMED.items()}
    for step in yaml.safe_load(OBJECTS.read_text(encoding="utf-8")):
        answer = line.send(_request(step, values | fresh()), token=token, workspace=workspace)
        assert answer.status == 200, f"{step}: {answer.status} {answer.body}"
        for key, path in step.get("take", {}).items():
            values[key] = _at(answer.document(), path)
        for uri, below in (("artifact_uri", "artifacts"), ("model_uri", "model_artifacts")):
            values[below] = values.get(uri, "").removeprefix("mlflow-artifacts:/")
    # Paths are made of ids that are here by themselves, and come back in other spellings.
    told = {
        value for key, value in values.items() if key not in PUBLIC and len(value) >= ID_LENGTH and "/" not in value
    }
    return World(workspace=workspace, values=values, secrets=frozenset({name, *told}))


def _request(step: Mapping[str, Any], values: Mapping[str, str]) -> Request:
    method = "put" if "put" in step else "post"
    filled = fill(dict(step), values)
    if "content" in filled:
        body, headers = str(filled["content"]).encode(), filled.get("headers", {})
    else:
        body, headers = json.dumps(filled["body"]).encode(), JSON_HEADERS
    return Request(method=method.upper(), path=filled[method], headers=headers, body=body)


def _at(document: Any, path: str) -> str:  # noqa: ANN401 - any JSON
    for key in path.split("."):
        document = cast("dict[str, Any]", document)[key]
    return str(document)
