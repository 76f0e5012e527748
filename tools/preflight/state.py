"""Objects of the cluster that the stack has created, from its state."""

import json
import subprocess
from typing import Any

from tools.doctor.expected import from_state

SECONDS = 15
NO_STACK = "no stack named"
TAKEN_OVER = "NamespacePatch"
PATCH = f"kubernetes:core/v1:{TAKEN_OVER}"


def qualified(namespace: str, name: str) -> str:
    """The name of an object as `deployed` has it."""
    return f"{namespace}/{name}" if namespace else name


def deployed(stack: str) -> tuple[frozenset[tuple[str, str]], str]:
    """Kind and name of each object that the stack has created, and why the state cannot be read; one of them is empty.

    The name of an object in a namespace is `NAMESPACE/NAME`. A namespace that the stack has only taken over has the
    kind `NamespacePatch`.

    Encrypted values stay encrypted, and need no passphrase.
    """
    command = ("pulumi", "stack", "export", "--stack", stack)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return frozenset(), str(error)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return frozenset(), "" if NO_STACK in said else said
    resources: list[dict[str, Any]] = json.loads(done.stdout)["deployment"].get("resources") or []
    patches = [one for one in resources if one["type"] == PATCH]
    created = from_state(one for one in resources if one["type"] != PATCH)
    return frozenset(
        [
            *((one.kind, qualified(one.namespace, one.name)) for one in created),
            *((TAKEN_OVER, one.name) for one in from_state(patches)),
        ]
    ), ""
