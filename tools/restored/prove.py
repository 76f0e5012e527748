"""Command that proves the newest backup now, as the CronJob `prove-backup` does each night.

Exit codes: 0 if the backup is proven; 1 if it is not, or the Job does not run.
"""

import sys

from components.database.proof import NAME
from tools.jobs import Job, Kubectl
from tools.kubectl import ClusterError, kubectl
from tools.stack import read_platform


def prove(namespace: str, run: Kubectl = kubectl) -> bool:
    """Create the Job and show its log; True if the backup is proven.

    Raises:
        ClusterError: the stack has no backups, or the Job does not start.
    """
    job = Job.start(NAME, namespace, containers=("prove",), run=run)
    print(f"Job {job.name} in namespace {namespace}; it goes on if you stop this command", flush=True)
    for line in job.lines():
        print(line, flush=True)
    return job.ended() is True


def main() -> None:
    """Prove the backup of the selected stack."""
    platform = read_platform()
    try:
        proven = prove(platform.namespace)
    except ClusterError as error:
        sys.exit(explained(str(error)))
    if not proven:
        sys.exit(1)


def explained(said: str) -> str:
    """Message of kubectl, with the remedy if the stack has no backups."""
    if "NotFound" in said and "cronjobs" in said:
        return "this stack has no backups: set backups.enabled to true and run `make up` (docs/backup.md)"
    return said


if __name__ == "__main__":
    main()
