"""`make retention`: run the CronJob `retention` now, or show what it would do.

usage: python -m tools.retention --stack STACK [--dry] [--yes STACK]
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.jobs import Job, Object, bare_job
from tools.kubectl import ClusterError, kubectl
from tools.stack import read_platform

CRON_JOB = "retention"
# Kubernetes deletes the Job and its log after this time.
KEPT_SECONDS = 3600


class RetentionError(Exception):
    """The run did not start or did not process all teams; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Deletions in one team's workspace, done or only counted."""

    team: str
    done: dict[str, tuple[int, tuple[str, ...]]]
    """Number of objects, and the names of the first ones, by what was done."""

    failed: tuple[str, ...]
    """Failures, a sentence each."""


def job_of(cron_job: Object, name: str, *, dry: bool) -> Object:
    """The Job that the CronJob would create, with another name; a dry run changes nothing."""
    job = bare_job(cron_job, name, {"DRY": "1"} if dry else {})
    job["spec"]["ttlSecondsAfterFinished"] = KEPT_SECONDS
    return job


def reports(lines: Iterable[str]) -> Iterator[Report]:
    """The reports in the log of a run; other lines are from MLflow and its packages."""
    for line in lines:
        if not line.startswith('{"log": "retention"'):
            continue
        document: Object = json.loads(line)
        yield Report(
            team=document["workspace"],
            done={what: (entry["count"], tuple(entry["first"])) for what, entry in document["done"].items()},
            failed=tuple(document["failed"]),
        )


def text(report: Report, *, dry: bool) -> str:
    """A report for people, of one line or more."""
    if not report.done and not report.failed:
        return f"{report.team}: nothing to do"
    verb = "would be: " if dry else ""
    lines = [
        f"{report.team}: {verb}{what} {count}  ({', '.join(first)}{', ...' if count > len(first) else ''})"
        for what, (count, first) in report.done.items()
    ]
    return "\n".join((*lines, *(f"{report.team}: FAILED {failure}" for failure in report.failed)))


def _cron_job(stack: str, namespace: str) -> Object:
    found = kubectl("get", "cronjob", CRON_JOB, f"--namespace={namespace}", "--ignore-not-found", "--output=json")
    if not found:
        remedy = "set `retention.deletedDays` or another age (docs/retention.md)"
        raise RetentionError(f"stack {stack} deletes and archives nothing: {remedy}")
    cron_job: Object = json.loads(found)
    active = cron_job.get("status", {}).get("active", [])
    if active:
        raise RetentionError(f"the Job {active[0]['name']} is running: wait for its end")
    return cron_job


def run(stack: str, *, dry: bool) -> bool:
    """Run the CronJob's work now and print its reports; returns False if something failed.

    Raises:
        RetentionError: the stack has no such CronJob, or not all teams were processed.
        ClusterError: the Job could not be made, or did not start.
    """
    namespace = read_platform().namespace
    name = f"{CRON_JOB}-by-hand-{int(time.time())}"
    job = job_of(_cron_job(stack, namespace), name, dry=dry)
    kubectl("create", "--filename=-", stdin=json.dumps(job))
    print(f"Job {name} has started" + (" (a dry run: nothing is changed)" if dry else ""), flush=True)
    failed, found = False, 0
    for report in reports(Job(namespace, name, (CRON_JOB,)).lines()):
        print(text(report, dry=dry), flush=True)
        failed, found = failed or bool(report.failed), found + 1
    if found < len(job_teams(job)):
        said = f"kubectl logs --namespace={namespace} job/{name}"
        raise RetentionError(f"only {found} of {len(job_teams(job))} teams were looked at; `{said}` says why")
    return not failed


def job_teams(job: Object) -> list[str]:
    """The teams that a Job processes."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (value,) = (variable["value"] for variable in container["env"] if variable["name"] == "RETENTION")
    return list(json.loads(value))


def _confirmed(stack: str, yes: str) -> bool:
    if yes == stack:
        return True
    print(f"This permanently deletes data older than the retention ages of stack {stack}. DRY=1 shows it first.")
    return input("Type the name of the stack to continue: ") == stack


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--dry", action="store_true", help="show what would be deleted or archived")
    parser.add_argument(
        "--yes", default="", metavar="STACK", help="name of the stack, which confirms without the question"
    )
    options = parser.parse_args()
    if not options.dry and not _confirmed(options.stack, options.yes):
        sys.exit("nothing was deleted")
    try:
        ended_well = run(options.stack, dry=options.dry)
    except (ClusterError, RetentionError) as error:
        sys.exit(str(error))
    sys.exit(0 if ended_well else 1)


if __name__ == "__main__":
    main()
