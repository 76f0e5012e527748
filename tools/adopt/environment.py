"""Python environment of the move: the MLflow client that `make smoke` uses, and drivers for other installations."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.client_environment import cache, client_python

DRIVERS = Path(__file__).with_name("drivers.txt")
CHECKOUT = Path(__file__).resolve().parents[2]


def python() -> tuple[Path, str]:
    """A Python with the MLflow client, and the PYTHONPATH with which it also finds drivers and this package.

    Raises:
        SystemExit: packages cannot be installed; the message names the failed command.
    """
    client = client_python()
    return client, os.pathsep.join([str(CHECKOUT), str(_drivers(client))])


def _drivers(client: Path) -> Path:
    # The drivers are compiled for the Python of the client, and have the versions of the packages that it has too.
    digest = hashlib.sha256(DRIVERS.read_bytes() + str(client).encode()).hexdigest()[:12]
    folder = cache() / f"adopt-{digest}"
    if folder.exists():
        return folder
    print("installing drivers for databases and artifact stores ...", file=sys.stderr, flush=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = (
        Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", client,
        "--target", unfinished, "--require-hashes", "--requirements", DRIVERS,
    )  # fmt: skip
    try:
        subprocess.run(command, check=True)
        if not folder.exists():
            unfinished.rename(folder)
    except subprocess.CalledProcessError as error:
        line = " ".join(str(part) for part in command)
        sys.exit(
            f"the drivers could not be installed: exit code {error.returncode} of {line}; "
            "check that this machine can reach the package index"
        )
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
