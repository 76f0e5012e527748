"""Status of the embedded cluster, as text (`status`) and JSON (`status --json`)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node import health, volumes
from testbed.node.environment import HOST_NAMES
from testbed.node.health import Problem
from testbed.node.kubectl import Kubectl
from testbed.node.port_forward import API_PORT_ON_MACHINE, HTTPS_PORT, LOOPBACK, PortForward
from testbed.node.process import Node
from testbed.node.volumes import Volume
from testbed.paths import Home

URL = f"https://{HOST_NAMES[0]}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The output of `status`."""

    node_pid: int | None
    port_forward_pid: int | None
    problems: list[Problem]
    volumes: list[Volume]
    volume_directory: Path
    url: str = URL

    @property
    def healthy(self) -> bool:
        """True if there are no problems."""
        return not self.problems

    def as_json(self) -> str:
        """Render as JSON."""
        values = {"healthy": self.healthy} | asdict(self) | {"volume_directory": str(self.volume_directory)}
        return json.dumps(values, indent=2)

    def as_text(self) -> str:
        """Render as text."""
        ports = f"{LOOPBACK}:{HTTPS_PORT} (platform), {LOOPBACK}:{API_PORT_ON_MACHINE} (API server)"
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        lines = [
            f"node     {f'running (pid {self.node_pid})' if self.node_pid else 'not running'}",
            f"ports    {f'{ports} (pid {self.port_forward_pid})' if self.port_forward_pid else 'not forwarded'}",
            f"url      {self.url}",
            f"health   {'good' if self.healthy else f'{count}:'}",
            *(f"         {problem.what}: {problem.why}" for problem in self.problems),
        ]
        used = [volume for volume in self.volumes if not volume.free]
        free = len(self.volumes) - len(used)
        lines.append(f"volumes  {len(used)} in use or kept, {free} free, in {self.volume_directory}")
        lines += [f"         {volume.describe()}" for volume in used]
        if any(volume.phase == "Released" for volume in used):
            lines += [
                "         A released volume holds the data of a deleted PersistentVolumeClaim. To delete the data:",
                f"         python -m testbed kubectl delete pv NAME && rm -r {self.volume_directory}/NAME",
            ]
        return "\n".join(lines)


def gather(home: Home, kubectl: Kubectl) -> Report:
    """Check the node, the port forwarding and, through the forwarded port, the cluster."""
    node, port_forward = Node(home).record(), PortForward(home).record()
    problems: list[Problem] = []
    known: list[Volume] = []
    if node is None:
        problems.append(Problem("node", "not running; start it with `make up`"))
    if port_forward is None:
        problems.append(Problem("port forwarding", "not running; start it with `make up`"))
    if node and port_forward:
        if reason := kubectl.ready():
            problems.append(Problem("API server", reason))
        else:
            try:
                objects = kubectl.objects()
            except EmbeddedError as error:
                problems.append(Problem("API server", str(error)))
            else:
                known = volumes.volumes(objects)
                volumes.write_index(home.volumes, known)
                problem = health.node_problem(objects)
                problems += [problem] if problem else []
                problems += health.addon_problems(objects)
                problems += health.pod_problems(objects, Node(home).started())
    return Report(
        node_pid=node.pid if node else None,
        port_forward_pid=port_forward.pid if port_forward else None,
        problems=problems,
        volumes=known + volumes.unknown(home.volumes, known, "Kept" if known else "Unseen"),
        volume_directory=home.volumes,
    )
