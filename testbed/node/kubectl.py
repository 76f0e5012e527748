"""Asking the cluster, by kubectl."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from testbed.errors import EmbeddedError
from testbed.node.objects import Object
from testbed.paths import cache

SECONDS = 60
READY_SECONDS = 5


def kubectl_cache(directory: Path) -> Path:
    """Where kubectl remembers what kinds of objects the cluster has."""
    return directory / "kubectl"


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the embedded cluster's credentials, whatever the caller's own kubeconfig says."""

    program: Path
    kubeconfig: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        # Its default, ~/.kube/cache, is the user's.
        ours = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={kubectl_cache(cache())}"]
        return [str(self.program), *ours, *arguments]

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = SECONDS) -> str:
        """Run and return the output; a failure carries kubectl's own words."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                # Its own --request-timeout bounds each attempt, not their number.
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(f"kubectl {arguments[0]}: no answer from the cluster in {seconds:.0f} s") from error
        if done.returncode:
            raise EmbeddedError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def ready(self) -> str | None:
        """Return what keeps the API server from answering, or None."""
        try:
            answer = self.run("get", "--raw=/readyz", seconds=READY_SECONDS)
        except EmbeddedError as error:
            # While it starts, it lists dozens of parts that are ready before the one that is not.
            failed = ", ".join(re.findall(r"\[-\]([\w/-]+) failed", str(error)))
            return f"not ready yet: {failed}" if failed else str(error).partition(": ")[2]
        return None if answer == "ok" else answer

    def objects(self) -> list[Object]:
        """Return what the health of the cluster is read from, of all namespaces."""
        kinds = "nodes,pods,deployments,persistentvolumes"
        answer = cast("dict[str, list[Object]]", json.loads(self.run("get", kinds, "-A", "-o=json")))
        return answer["items"]
