"""Digests of deployments: of all that the program would register with Pulumi's engine for a stack file.

The program runs with mocks, so nothing is deployed. Programs with the same digests deploy the same, however differently
they are written; so a rehearsal is due only if one of its own deployments would be different now. Comments and
docstrings of Python scripts do not count.
"""

import hashlib
import io
import json
from contextlib import redirect_stderr
from functools import cache
from typing import Any, cast

import pulumi

from testbed.evidence import inputs
from tests.program import stacks

PREFIX = "mlflow-platform:"

REFUSED = "refused"
"""Digest of a deployment that the program refuses because of its settings."""


@cache
def digest(deployment: str) -> str:
    """The digest of what the program registers for `dev` with some keys replaced."""
    changes: dict[str, Any] = json.loads(deployment)
    try:
        # Nobody deploys this now, so nobody needs the warnings about its settings.
        with redirect_stderr(io.StringIO()):
            recording = stacks.run("dev", **{key.removeprefix(PREFIX): value for key, value in changes.items()})
    except pulumi.RunError:
        return REFUSED
    return hashlib.sha256("\n".join(map(significant, recording.requests)).encode()).hexdigest()[:16]


def significant(request: str) -> str:
    """Return a registration as JSON without the comments and docstrings of the Python scripts in its object."""
    if r'"\"\"\"' not in request:
        return request
    document: dict[str, Any] = json.loads(request)
    document["object"] = _without_docstrings(document["object"])
    return json.dumps(document, sort_keys=True)


def _without_docstrings(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _without_docstrings(one) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_docstrings(one) for one in cast("list[Any]", value)]
    # Every script of the program begins with its docstring, wherever an object has it: in a ConfigMap or a command.
    if isinstance(value, str) and value.startswith('"""'):
        return inputs.significant(value)
    return value


def name(deployment: str) -> str:
    """A short name for messages, such as `deployment with another login, server`."""
    keys = ", ".join(sorted(key.removeprefix(PREFIX) for key in json.loads(deployment)))
    return f"deployment with another {keys}" if keys else "deployment of `dev`"
