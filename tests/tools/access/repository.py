"""A git repository with the committed stack files, to be changed."""

import shutil
import subprocess
from pathlib import Path

from tests.settings.stack_files import ROOT

STACKS = ("dev", "prod")
PRICING = "        manager: [pricing-mlflow-users, data-platform]\n"


class Repository:
    """A folder under git, whose first commit has the stack files as they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for stack in STACKS:
            shutil.copy2(ROOT / f"Pulumi.{stack}.yaml", folder)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    def git(self, *arguments: str) -> None:
        """Run git with a fixed identity and without the configuration of this machine."""
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)  # noqa: S603, S607

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change the stacks")

    def change(self, stack: str, old: str, new: str) -> None:
        """Replace a piece of a stack file."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_interns(self) -> None:
        """Let a group of interns read a team's workspace."""
        self.change("prod", PRICING, f"{PRICING}        viewer: [pricing-interns]\n")
