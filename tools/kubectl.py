"""kubectl, as the commands of this package use it."""

import subprocess


class ClusterError(Exception):
    """kubectl has failed, and the message is kubectl's; or the cluster does not do what a command asked for."""


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Output of kubectl.

    Raises:
        ClusterError: kubectl has failed.
    """
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False, errors="replace"
    )
    if done.returncode:
        # kubectl adds a line of its own about the exit code of a command in a container.
        said = [line for line in done.stderr.splitlines() if not line.startswith("command terminated with exit code")]
        raise ClusterError("\n".join(said).strip() or done.stdout.strip())
    return done.stdout
