"""A virtual environment with the MLflow client from PyPI, as data scientists install the client."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("client") / "requirements.txt"


def cache() -> Path:
    """Cache directory of the project."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "mlflow-platform"


def client_python() -> Path:
    """Path of the Python with the MLflow client; install its environment first if the pinned requirements have changed.

    Raises:
        SystemExit: the packages cannot be installed; the message names the failed command.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = cache() / f"client-{digest}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    print("installing the MLflow client ...", flush=True)
    # Under a temporary name until it is complete; with --relocatable it can be renamed.
    unfinished = home.with_name(f"{home.name}.{os.getpid()}")
    uv = Path(sys.executable).with_name("uv")
    try:
        _run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, unfinished)
        _run(
            uv, "pip", "install", "--quiet", "--python", unfinished / "bin" / "python",
            "--require-hashes", "--requirements", REQUIREMENTS,
        )  # fmt: skip
        if not python.exists():
            # The directory may exist without a working Python, if the one that it links to was removed.
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
        sys.exit(
            f"the MLflow client could not be installed: exit code {error.returncode} of {line}; "
            "check that this machine can reach the package index"
        )
