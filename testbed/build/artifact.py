"""One thing that is built: what decides its content, where it lies, and how it is made."""

import enum
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from testbed.build.commands import Commands

_KEY_LENGTH = 12


class Lane(enum.Enum):
    """Builds of one lane run one after the other; the lanes run side by side."""

    COMPILE = "compile"
    """The Go compiler: it uses every processor and much memory by itself."""
    FETCH = "fetch"
    """Downloading, unpacking, packing: mostly the network and the disk."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a build may use: a directory of its own, a log, and a way to run commands."""

    scratch: Path
    """An empty directory on the disk of the cache, removed afterwards."""
    log: Path
    commands: Commands

    def run(self, argv: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        """Run one command with its output in this build's log."""
        self.commands.run(argv, log=self.log, cwd=cwd, env=env)


def digest(*parts: str | Path) -> str:
    """Hash texts and the content of files and directories, by their names and bytes."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            entries = [("text", part.encode())]
        elif part.is_file():
            entries = [(part.name, part.read_bytes())]
        else:
            # Python leaves its own files beside those that are built.
            files = sorted(path for path in part.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
            entries = [(str(path.relative_to(part)), path.read_bytes()) for path in files]
        for name, content in entries:
            # Lengths keep ("ab", "c") and ("a", "bc") apart.
            total.update(f"{len(name)}:{len(content)}:{name}".encode())
            total.update(content)
    return total.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class Artifact:
    """A file or directory of the cache that is whole whenever it exists."""

    name: str
    version: str
    cache: Path
    recipe: str
    """Digest of everything that decides the content besides `needs`: files, package lists, arguments."""
    make: Callable[[Path, Bench], None]
    """Writes the artifact to the given path, which does not exist yet."""
    needs: tuple["Artifact", ...] = ()
    """What the content is made from; when one of them changes, so does this."""
    tools: tuple["Artifact", ...] = ()
    """What it is merely made with, such as a compiler: not part of its identity."""
    lane: Lane = Lane.FETCH
    usual_seconds: int
    """On two processors, to tell a person what to expect."""
    suffix: str = ""

    @cached_property
    def path(self) -> Path:
        """Where it lies once it is whole: the name changes with everything that decides the content."""
        key = digest(self.name, self.version, self.recipe, *(need.path.name for need in self.needs))
        return self.cache / f"{self.name}-{self.version}-{key[:_KEY_LENGTH]}{self.suffix}"

    @property
    def label(self) -> str:
        """Name and version as messages show them."""
        return f"{self.name} {self.version}"

    @property
    def exists(self) -> bool:
        """Whether it has been built; a cheap look, for it is only ever renamed into place."""
        return self.path.exists()


def missing(wanted: Sequence[Artifact]) -> list[Artifact]:
    """Return what has to be built for `wanted`, what is needed first coming first.

    Of what exists already nothing is followed further: its sources may have been removed.
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
