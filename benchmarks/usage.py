"""Memory and CPU time of a container on this machine, from its control group."""

from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """The control group (cgroup version 1 or 2) of a running container."""

    memory: Path
    """File with the memory statistics."""

    cpu: Path
    """File with the CPU time."""

    @classmethod
    def of(cls, container_id: str, *, root: Path = CGROUPS) -> "Usage":
        """The control group of the container with this id; the id may have a runtime's prefix such as `containerd://`.

        Raises:
            LookupError: the container does not run on this machine.
        """
        found: dict[str, Path] = {}
        # One search for all files: a search for each file would read all control groups of the machine each time.
        for folder in root.rglob(f"*{container_id.rpartition('/')[2]}*"):
            for name in ("memory.stat", "cpu.stat", "cpuacct.usage"):
                if (folder / name).is_file():
                    found.setdefault(name, folder / name)
        cpu = found.get("cpuacct.usage", found.get("cpu.stat"))
        if "memory.stat" not in found or cpu is None:
            raise LookupError(f"no control group of container {container_id} on this machine")
        return cls(memory=found["memory.stat"], cpu=cpu)

    def anonymous_mib(self) -> float:
        """Anonymous memory in MiB. It does not include the page cache, which the kernel can reclaim."""
        lines = dict(line.split() for line in self.memory.read_text(encoding="ascii").splitlines())
        return int(lines["anon" if "anon" in lines else "total_rss"]) / MIB

    def cpu_seconds(self) -> float:
        """CPU time in seconds since the start of the container."""
        text = self.cpu.read_text(encoding="ascii")
        if self.cpu.name == "cpuacct.usage":
            return int(text) / 1e9
        return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6

    def process(self) -> int:
        """Id of one process of the container."""
        return int((self.memory.parent / "cgroup.procs").read_text(encoding="ascii").split()[0])
