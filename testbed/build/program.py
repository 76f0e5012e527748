"""A Go program: which package of which module it is, and what the compiler is given."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.build.commands import BuildError

_MODULES = Path(__file__).parent / "go"
# As Pulumi releases its CLI: users from Go's own code instead of libc's, no tracing hooks of gRPC. The same for all:
# what is compiled with other tags is not shared.
_TAGS = "osusergo,grpcnotrace"


@dataclass(frozen=True, kw_only=True)
class Borrowed:
    """Files of a module that are laid into a copy of a program's directory, where it has none of their names."""

    module: str
    """With its version; the program's go.sum vouches for it."""
    files: tuple[str, ...]
    """Patterns of paths in the module."""
    into: str = "."
    """The directory below the program's that takes the place of the module's."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Go program: which package of which module, and how it is linked."""

    name: str
    version: str
    module: str | None = None
    """The module that go.mod must require at `version`; None for a program written here."""
    required: str | None = None
    """The module's version, where it is not `v` and the program's."""
    folder: str = ""
    """The directory below `go/`, where it is not named as the program: one go.mod for programs that share packages."""
    package: str = "."
    borrowed: tuple[Borrowed, ...] = ()
    """What its directory has not got and the compiler looks for there."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """String variables that the linker sets, such as the version a program reports."""
    usual_seconds: int

    @property
    def directory(self) -> Path:
        """The module of ours that requires the program's."""
        return _MODULES / (self.folder or self.name)

    def arguments(self) -> list[str]:
        """Return the arguments of `go build` that decide the binary."""
        # -s -w leaves out the debugger's tables: a third of the size, and of the memory the linker needs.
        link = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])
        return ["-trimpath", "-buildvcs=false", "-tags", _TAGS, "-ldflags", link, self.package]

    def check(self) -> None:
        """Raise if go.mod and versions.py disagree: the binary would claim a version that it is not."""
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
