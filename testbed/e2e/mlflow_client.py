"""The published MLflow client in a virtual environment of its own, as users have it."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.e2e.commands import run
from tools.client_environment import client_python
from tools.smoke import client_variables
from tools.stack import Platform

SCRIPTS = Path(__file__).with_name("client")
SCRIPT_SECONDS = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A client outside the cluster that presents the service-account token of a team."""

    platform: Platform
    folder: Path
    python: Path
    authority: Path

    @classmethod
    def of(cls, platform: Platform, folder: Path) -> "Client":
        """The client of a platform, with a folder for its files."""
        assert platform.authority is not None, "the dev stack has a private certificate authority"
        authority = folder / "ca.crt"
        authority.write_text(platform.authority, encoding="utf-8")
        return cls(platform=platform, folder=folder, python=client_python(), authority=authority)

    def script(
        self, name: str, *arguments: str | Path, team: str, replaced: Mapping[str, str | None] | None = None
    ) -> Any:  # noqa: ANN401 - any JSON
        """Run a script of `client/` to its end; returns the JSON that it prints in its last line.

        Args:
            name: the script's.
            arguments: its arguments.
            team: the team whose workspace and program token it uses.
            replaced: environment variables to change; None removes one.
        """
        variables = self._variables(team) | dict(replaced or {})
        done = run(
            self.python,
            SCRIPTS / f"{name}.py",
            *arguments,
            seconds=SCRIPT_SECONDS,
            env={name: value for name, value in variables.items() if value is not None},
            inherit=False,
            cwd=self.folder,
        )
        return json.loads(done.stdout.splitlines()[-1])

    def start(
        self, name: str, *arguments: str, team: str, output: Path, env: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        """Start a script of `client/` that runs until its input is closed."""
        with output.open("w", encoding="utf-8") as out, output.with_suffix(".log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [self.python, SCRIPTS / f"{name}.py", *arguments],
                env=self._variables(team) | dict(env),
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def _variables(self, team: str) -> dict[str, str]:
        """The client's environment: exactly the documented variables."""
        return client_variables(self.platform, team, self.authority)
