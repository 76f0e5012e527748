"""The state of the embedded cluster, for people (`status`) and programs (`status --json`)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.errors import EmbeddedError
from testbed.node import health, volumes
from testbed.node.door import API_DOOR_PORT, HTTPS_PORT, LOOPBACK, Door
from testbed.node.environment import HOST_NAMES
from testbed.node.health import Trouble
from testbed.node.kubectl import Kubectl
from testbed.node.process import Node
from testbed.node.volumes import Volume
from testbed.paths import Home

URL = f"https://{HOST_NAMES[0]}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `status` says."""

    node_pid: int | None
    door_pid: int | None
    troubles: list[Trouble]
    volumes: list[Volume]
    volume_directory: Path
    url: str = URL

    @property
    def healthy(self) -> bool:
        """Whether everything is as it should be."""
        return not self.troubles

    def as_json(self) -> str:
        """Render for programs."""
        values = {"healthy": self.healthy} | asdict(self) | {"volume_directory": str(self.volume_directory)}
        return json.dumps(values, indent=2)

    def as_text(self) -> str:
        """Render for people."""
        door = f"{LOOPBACK}:{HTTPS_PORT} (platform), {LOOPBACK}:{API_DOOR_PORT} (API)"
        lines = [
            f"node     {f'runs (pid {self.node_pid})' if self.node_pid else 'does not run'}",
            f"door     {f'open at {door} (pid {self.door_pid})' if self.door_pid else 'closed'}",
            f"url      {self.url}",
            f"health   {'good' if self.healthy else f'{len(self.troubles)} not as it should be:'}",
            *(f"         {trouble.what}: {trouble.why}" for trouble in self.troubles),
        ]
        used = [volume for volume in self.volumes if not volume.free]
        free = len(self.volumes) - len(used)
        lines.append(f"volumes  {len(used)} in use or kept, {free} free, in {self.volume_directory}")
        lines += [f"         {volume.describe()}" for volume in used]
        if any(volume.phase == "Released" for volume in used):
            lines += [
                "         A released volume holds the data of a claim that is gone. To give it up:",
                f"         python -m testbed kubectl delete pv NAME && rm -r {self.volume_directory}/NAME",
            ]
        return "\n".join(lines)


def gather(home: Home, kubectl: Kubectl) -> Report:
    """Look at the node, the door and, through it, the cluster."""
    node, door = Node(home).record(), Door(home).record()
    troubles: list[Trouble] = []
    known: list[Volume] = []
    if node is None:
        troubles.append(Trouble("node", "does not run: `make up`"))
    if door is None:
        troubles.append(Trouble("door", "is closed: `make up`"))
    if node and door:
        if reason := kubectl.ready():
            troubles.append(Trouble("API server", reason))
        else:
            try:
                objects = kubectl.objects()
            except EmbeddedError as error:
                troubles.append(Trouble("API server", str(error)))
            else:
                known = volumes.volumes(objects)
                volumes.write_index(home.volumes, known)
                trouble = health.node_trouble(objects)
                troubles += [trouble] if trouble else []
                troubles += health.addon_troubles(objects)
                troubles += health.pod_troubles(objects, Node(home).started())
    return Report(
        node_pid=node.pid if node else None,
        door_pid=door.pid if door else None,
        troubles=troubles,
        volumes=known + volumes.unknown(home.volumes, known, "Kept" if known else "Unseen"),
        volume_directory=home.volumes,
    )
