"""Go programs: module, package and compiler options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.build.commands import BuildError

_MODULES = Path(__file__).parent / "go"
# Build tags of Pulumi's CLI releases: user lookup by Go's own code instead of libc, gRPC without tracing. All programs
# use the same tags, because compiled packages are shared only between builds with equal tags.
_TAGS = "osusergo,grpcnotrace"


@dataclass(frozen=True, kw_only=True)
class Borrowed:
    """Files of another module that are added to a copy of a program's directory; existing files are kept."""

    module: str
    """Module with its version; its sources are verified against the program's go.sum."""
    files: tuple[str, ...]
    """Glob patterns, relative to the module's root."""
    into: str = "."
    """Subdirectory of the program's directory that corresponds to the module's root."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Go program: its module, package and linker settings."""

    name: str
    version: str
    module: str | None = None
    """The module that go.mod must require; None for a program whose source is in this repository."""
    required: str | None = None
    """The module's version, if it is not `v` followed by the program's version."""
    folder: str = ""
    """Name of the directory below `go/`, if it is not the program's name; several programs can share a directory."""
    package: str = "."
    borrowed: tuple[Borrowed, ...] = ()
    """Files of other modules that the compiler expects in this program's directory."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """String variables that the linker sets, such as the version a program reports."""
    usual_seconds: int

    @property
    def directory(self) -> Path:
        """Directory of this project's Go module, which requires the program's module."""
        return _MODULES / (self.folder or self.name)

    def arguments(self) -> list[str]:
        """Return the arguments of `go build` that determine the binary."""
        # -s -w leaves out the debugger's tables: a third of the size, and of the memory the linker needs.
        link = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])
        return ["-trimpath", "-buildvcs=false", "-tags", _TAGS, "-ldflags", link, self.package]

    def check(self) -> None:
        """Raise a BuildError if go.mod and versions.py differ: the binary would report a wrong version."""
        if self.module is None:
            return
        required = self.required or f"v{self.version}"
        module_file = self.directory / "go.mod"
        line = rf"^(require |\t){re.escape(self.module)} {re.escape(required)}$"
        if not re.search(line, module_file.read_text(), re.MULTILINE):
            message = (
                f"{module_file} must require {self.module} {required}, as testbed/versions.py says:"
                f" run `go get {self.module}@{required}` in its directory."
            )
            raise BuildError(message)
