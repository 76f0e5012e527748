"""The matrix of allowed connections, as text, Markdown and JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tools.reachability.network import Host, Network, Object, Pod, Port

ANY_POD = "any other pod"
# Represents all ports that no container declares and no policy names. Port 9 (discard) is unused in practice.
OTHER = Port(number=9, name="other")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One possible connection: from a group of pods to a port of another group or of a host."""

    source: str
    destination: str
    port: str
    """Number and protocol, or `other`."""

    admitted: bool


def any_pod(namespace: str) -> Object:
    """A pod without labels that stands for all other pods of a namespace: a source of connections, never a target."""
    metadata = {"namespace": namespace, "name": ANY_POD}
    return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": "Succeeded"}}


def cells(network: Network, hosts: Sequence[tuple[Host, Sequence[Port]]] = ()) -> list[Cell]:
    """The matrix's cells: from each group of pods to the declared ports of other groups and the ports of `hosts`."""
    sources = {pod.group: pod for pod in network.pods}
    targets: dict[str, tuple[Pod | Host, Sequence[Port]]] = {
        pod.group: (pod, (*pod.ports, OTHER)) for pod in network.pods if pod.ports
    }
    targets |= {host.name: (host, ports) for host, ports in hosts}
    return [
        Cell(
            source=source,
            destination=destination,
            port="other" if port is OTHER else str(port),
            admitted=network.may_connect(pod, target, port.number, port.protocol),
        )
        for source, pod in sorted(sources.items())
        for destination, (target, ports) in targets.items()
        # A pod can always connect to itself.
        if source != destination
        for port in ports
    ]


def as_json(matrix: Iterable[Cell]) -> str:
    """The matrix as JSON, one object per cell."""
    return json.dumps([asdict(cell) for cell in matrix], indent=2)


def as_markdown(matrix: Sequence[Cell]) -> str:
    """The allowed connections as a Markdown table, one line per source."""
    lines = ["| from | to |", "|---|---|"]
    for source in dict.fromkeys(cell.source for cell in matrix):
        ports: dict[str, list[str]] = {}
        for cell in matrix:
            if cell.source == source and cell.admitted:
                ports.setdefault(cell.destination, []).append(cell.port)
        reached = "; ".join(f"{destination} {', '.join(found)}" for destination, found in sorted(ports.items()))
        lines.append(f"| {source} | {reached or 'nothing'} |")
    return "\n".join(lines)


def as_text(matrix: Sequence[Cell]) -> str:
    """The matrix as text: one line per destination and port, one column per source."""
    sources = list(dict.fromkeys(cell.source for cell in matrix))
    lines = [f"{number:>2}  {source}" for number, source in enumerate(sources, 1)]
    rows: dict[str, dict[str, bool]] = {}
    for cell in matrix:
        rows.setdefault(f"{cell.destination}:{cell.port}", {})[cell.source] = cell.admitted
    width = max(map(len, rows), default=0)
    lines += ["", f"{'to, from':<{width}}  " + " ".join(f"{number:>2}" for number in range(1, len(sources) + 1))]
    for row, admitted in sorted(rows.items()):
        marks = ({None: "", True: "x", False: "."}[admitted.get(source)] for source in sources)
        lines.append(f"{row:<{width}}  " + " ".join(f"{mark:>2}" for mark in marks).rstrip())
    lines += ["", "x: allowed, .: denied. `other` is any undeclared port; pods without declared ports have no line."]
    return "\n".join(lines)
