"""A virtual environment with the published MLflow client, as a data scientist has it."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("client") / "requirements.txt"


def cache() -> Path:
    """Directory for what can be made again."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "mlflow-platform"


def client_python() -> Path:
    """The environment's Python; installs the environment when the pinned requirements are new.

    Raises:
        SystemExit: the packages cannot be installed; says which command failed.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = cache() / f"client-{digest}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    print("installing the MLflow client ...", flush=True)
    # Under another name until it is whole; uv makes environments that may be moved.
    unfinished = home.with_name(f"{home.name}.{os.getpid()}")
    uv = Path(sys.executable).with_name("uv")
    try:
        _run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, unfinished)
        _run(
            uv, "pip", "install", "--quiet", "--python", unfinished / "bin" / "python",
            "--require-hashes", "--requirements", REQUIREMENTS,
        )  # fmt: skip
        if not python.exists():
            # There, but without a Python: the one it was made with has gone.
            shutil.rmtree(home, ignore_errors=True)
            unfinished.rename(home)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return python


def _run(*command: str | Path) -> None:
    try:
        subprocess.run(command, check=True)
    except subprocess.CalledProcessError as error:
        line = " ".join(str(part) for part in command)
        sys.exit(f"installing the MLflow client failed ({error.returncode}): {line}; can it reach the package index?")
