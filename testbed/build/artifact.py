"""An artifact of the build: the inputs that determine its content, its path in the cache, and how it is built."""

import enum
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from testbed.build.commands import Commands

_KEY_LENGTH = 12


class Lane(enum.Enum):
    """A queue of builds: the builds of one lane run one after the other, and the lanes run in parallel."""

    COMPILE = "compile"
    """Go builds: a single one uses all CPUs and much memory."""
    FETCH = "fetch"
    """Downloading, unpacking, packing: limited by network and disk."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Resources of one build: a temporary directory, a log, and a way to run commands."""

    scratch: Path
    """An empty directory on the disk of the cache, removed after the build."""
    log: Path
    commands: Commands

    def run(self, argv: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        """Run one command, and write its output to this build's log."""
        self.commands.run(argv, log=self.log, cwd=cwd, env=env)


def digest(*parts: str | Path) -> str:
    """Return a hash of strings, files (name and content) and directories (relative path and content of each file)."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            entries = [("text", part.encode())]
        elif part.is_file():
            entries = [(part.name, part.read_bytes())]
        else:
            # Python writes `__pycache__` directories beside the sources.
            files = sorted(path for path in part.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
            entries = [(str(path.relative_to(part)), path.read_bytes()) for path in files]
        for name, content in entries:
            # Lengths keep ("ab", "c") and ("a", "bc") apart.
            total.update(f"{len(name)}:{len(content)}:{name}".encode())
            total.update(content)
    return total.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Artifact:
    """A file or directory in the cache; if it exists, it is complete."""

    name: str
    version: str
    cache: Path
    recipe: str
    """Digest of all inputs besides `needs` that determine the content: files, package lists, arguments."""
    make: Callable[[Path, Bench], None]
    """Function that writes the artifact to the given path, which does not exist yet."""
    needs: tuple["Artifact", ...] = ()
    """Artifacts from which the content is made; a change of one of them changes the digest of this artifact."""
    tools: tuple["Artifact", ...] = ()
    """Artifacts used to build this one, such as a compiler; a change of them does not change its digest."""
    lane: Lane = Lane.FETCH
    usual_seconds: int
    """Usual build time on two CPUs, for progress messages."""
    suffix: str = ""

    @cached_property
    def path(self) -> Path:
        """Path of the finished artifact; the name changes with every input that determines the content."""
        key = digest(self.name, self.version, self.recipe, *(need.path.name for need in self.needs))
        return self.cache / f"{self.name}-{self.version}-{key[:_KEY_LENGTH]}{self.suffix}"

    @property
    def label(self) -> str:
        """Name and version as messages show them."""
        return f"{self.name} {self.version}"

    @property
    def exists(self) -> bool:
        """True if the artifact has been built; an unfinished artifact has a temporary name."""
        return self.path.exists()


def missing(wanted: Sequence[Artifact]) -> list[Artifact]:
    """Return the artifacts that have to be built for `wanted`, each after its dependencies.

    If an artifact already exists, its dependencies are not built, even if they have been removed since.
    """
    plan: list[Artifact] = []

    def visit(artifact: Artifact) -> None:
        if artifact in plan or artifact.exists:
            return
        for source in (*artifact.needs, *artifact.tools):
            visit(source)
        plan.append(artifact)

    for artifact in wanted:
        visit(artifact)
    return plan
