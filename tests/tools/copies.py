"""Runs scripts of the project with fake programs that record their calls."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = CHECKOUT / "tools"
SHELL = shutil.which("sh") or "sh"
RECORDER = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'
# Runs Python with this machine's packages.
REAL_PYTHON = f'exec {sys.executable} "$@"'


class Copy:
    """A copy of a script in its own folder, with fake programs that record their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        for name in ("tools/with-cluster", ".venv/bin/python", ".venv/bin/pulumi"):
            self.program(name, RECORDER)
        # Other scripts run it.
        self.program("tools/policy-options", (TOOLS / "policy-options").read_text(encoding="utf-8"))

    def program(self, name: str, content: str) -> None:
        """Add a fake program."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(0o755)

    def run(self, script: str, *arguments: str, answer: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run the script with no environment variable of this machine but PATH."""
        self.program(f"tools/{script}", (TOOLS / script).read_text(encoding="utf-8"))
        path = f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(  # noqa: S603 - a copy of the script among fakes
            [SHELL, f"tools/{script}", *arguments],
            cwd=self.folder,
            env={"PATH": path, "CALLS": str(self.log), "PYTHONPATH": str(CHECKOUT)} | env,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """The commands that were run, in order."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
