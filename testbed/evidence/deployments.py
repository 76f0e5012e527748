"""Digests of deployments: of all that the program would register with Pulumi's engine for a stack file.

The program runs with mocks, so nothing is deployed. Two versions of the program with the same digest deploy the same
resources. So a change of the program makes a rehearsal due only if the digest of one of its deployments changes.
"""

import hashlib
import io
import json
from contextlib import redirect_stderr
from functools import cache
from typing import Any

import pulumi

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
    return hashlib.sha256("\n".join(recording.requests).encode()).hexdigest()[:16]


def name(deployment: str) -> str:
    """A short name for messages, such as `deployment with another login, server`."""
    keys = ", ".join(sorted(key.removeprefix(PREFIX) for key in json.loads(deployment)))
    return f"deployment with another {keys}" if keys else "deployment of `dev`"
