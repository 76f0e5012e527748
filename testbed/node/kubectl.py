"""Runs kubectl on the embedded cluster."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from testbed.errors import EmbeddedError
from testbed.node.object_types import Object
from testbed.paths import cache

SECONDS = 60
READY_SECONDS = 5


def kubectl_cache(directory: Path) -> Path:
    """Return the directory of kubectl's discovery cache."""
    return directory / "kubectl"


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the embedded cluster's credentials, independent of the user's own kubeconfig."""

    program: Path
    kubeconfig: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs kubectl with these arguments."""
        # kubectl's default cache directory, ~/.kube/cache, belongs to the user.
        ours = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={kubectl_cache(cache())}"]
        return [str(self.program), *ours, *arguments]

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = SECONDS) -> str:
        """Run kubectl and return its output; an error contains kubectl's message."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                # kubectl's own --request-timeout limits each attempt, not their number.
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(f"kubectl {arguments[0]}: no answer from the cluster in {seconds:.0f} s") from error
        if done.returncode:
            raise EmbeddedError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def ready(self) -> str | None:
        """Return the reason why the API server is not ready; None if it is ready."""
        try:
            answer = self.run("get", "--raw=/readyz", seconds=READY_SECONDS)
        except EmbeddedError as error:
            # While the API server starts, its answer lists dozens of successful checks before the one that fails.
            failed = ", ".join(re.findall(r"\[-\]([\w/-]+) failed", str(error)))
            return f"not ready yet: {failed}" if failed else str(error).partition(": ")[2]
        return None if answer == "ok" else answer

    def objects(self) -> list[Object]:
        """Return the objects of all namespaces that determine the cluster's health."""
        kinds = "nodes,pods,deployments,persistentvolumes"
        answer = cast("dict[str, list[Object]]", json.loads(self.run("get", kinds, "-A", "-o=json")))
        return answer["items"]
