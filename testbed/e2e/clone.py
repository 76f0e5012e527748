"""A copy of the program with its own Pulumi state, so that previews affect neither the checkout nor the platform."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.e2e.commands import CHECKOUT, Finished, run

FILES = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml")
FOLDERS = ("components", "policy", "settings", "tools", "factories", ".github")
# Large directories that a copy shares with the checkout, because nothing changes them.
LINKED = (".venv",)
PROD_SECRETS = ("loginClientSecret",)
PULUMI_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Clone:
    """A clone of the repository in a folder, as a continuous-integration job has one."""

    folder: Path
    state: Path
    credentials: Mapping[str, str]
    """Variables with which its engine reaches AWS."""

    @classmethod
    def make(cls, folder: Path, credentials: Mapping[str, str]) -> "Clone":
        """Copy what Pulumi needs of the checkout."""
        clone, state = folder / "clone", folder / "state"
        clone.mkdir()
        state.mkdir()
        for file in (*CHECKOUT.glob("*.py"), *(CHECKOUT / name for name in FILES)):
            shutil.copy2(file, clone)
        for name in FOLDERS:
            shutil.copytree(CHECKOUT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in LINKED:
            (clone / name).symlink_to(CHECKOUT / name)
        return cls(folder=clone, state=state, credentials=credentials)

    @property
    def kubeconfig(self) -> Path:
        """Path for its own kubeconfig."""
        return self.folder.parent / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for its own Pulumi state and for AWS."""
        return {"PULUMI_BACKEND_URL": f"file://{self.state}", **self.credentials}

    def run(self, *command: str, expected: int | None = 0, env: dict[str, str] | None = None) -> Finished:
        """Run a command in the clone."""
        return run(
            *command,
            cwd=self.folder,
            env=self.environment | (env or {}),
            seconds=PULUMI_SECONDS,
            expected=expected,
        )

    def make_stack(self, name: str) -> None:
        """Create a stack; `prod` gets its secret."""
        self.run("pulumi", "stack", "init", name, "--non-interactive")
        if name == "prod":
            for key in PROD_SECRETS:
                self.run("pulumi", "config", "set", "--secret", key, f"{key}-of-the-clone", "--stack", name)

    def commit(self) -> None:
        """Commit everything in a new repository."""
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
        self.run("git", "init", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", *who, "commit", "--quiet", "--message", "Change the stacks")

    def change(self, file: str, old: str, new: str) -> None:
        """Change a line of the clone's program."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}, expected once"
        path.write_text(text.replace(old, new), encoding="utf-8")
