"""The company's git repository of deployments: what `make render` writes, as commits that Argo CD reads."""

from dataclasses import dataclass
from pathlib import Path

from testbed.e2e.commands import run
from testbed.e2e.from_files import RENDER_SECONDS
from testbed.e2e.rehearsals.argocd.installation import NAMESPACE

URL = "http://git-server:8080/deployments.git"
BRANCH = "main"
# git runs its counterpart in the pod of the git server, which accepts no commits over the network.
REMOTE = (
    f"ext::kubectl exec --stdin --namespace={NAMESPACE} git-server --container=git-server --"
    " %S /repositories/deployments.git"
)
GIT_SECONDS = 60
SOMEBODY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployments:
    """A clone of the repository."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Deployments":
        """A clone of the repository, which is empty."""
        made = cls(folder=folder)
        made.git("init", "--quiet", f"--initial-branch={BRANCH}")
        made.git("remote", "add", "origin", REMOTE)
        return made

    def render(self, stack: str, overlay: str, name: str, *, values: str = "") -> Path:
        """Write the files of a stack to a folder `name` of the clone, as docs/gitops.md says; returns the folder.

        Args:
            stack: its name.
            overlay: the overlay that Argo CD applies.
            name: name of the folder.
            values: a YAML document with values of AWS resources.
        """
        folder = self.folder / name
        variables = {"STACK": stack, "OVERLAY": overlay, "OUT": str(folder), "FOLDER": name, "REPOSITORY": URL}
        if values:
            file = self.folder.with_name(f"{name}-values.yaml")
            file.write_text(values, encoding="utf-8")
            variables["VALUES"] = str(file)
        written = [f"{variable}={value}" for variable, value in variables.items()]
        run("make", "render", f"REVISION={BRANCH}", *written, seconds=RENDER_SECONDS)
        return folder

    def render_copy(self, program: Path, stack: str, overlay: str, name: str) -> None:
        """Write the files of a stack in a copy of the checkout, which has no make, to a folder `name` of the clone."""
        python = ".venv/bin/python"
        options = (f"--overlay={overlay}", f"--out={self.folder / name}", f"--folder={name}", f"--repository={URL}")
        run(python, "-m", "tools.render", stack, *options, cwd=program, seconds=RENDER_SECONDS)

    def push(self, message: str) -> str:
        """Commit everything and push it; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        self.git("push", "--quiet", "origin", BRANCH)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in the clone; returns what it prints."""
        self.folder.mkdir(exist_ok=True)
        # ext:: runs a command, so git refuses it unless it is asked for.
        allowed = {"GIT_ALLOW_PROTOCOL": "ext"}
        return run("git", *SOMEBODY, *arguments, cwd=self.folder, env=allowed, seconds=GIT_SECONDS).stdout.strip()
