"""Jobs from the platform's CronJobs: create them, follow them to their end, delete them."""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tools.kubectl import ClusterError, kubectl

POLL_SECONDS = 1
# Until the image is there and the pod is scheduled; Kubernetes says why not in the pod's events.
START_SECONDS = 600

Object = dict[str, Any]
Kubectl = Callable[..., str]


def bare_job(cron_job: Object, name: str, variables: Mapping[str, str]) -> Object:
    """A Job `name` from the template of a CronJob, with `variables` in the environment of all its containers.

    The Job has no owner.
    """
    template = copy.deepcopy(cron_job["spec"]["jobTemplate"])
    pod = template["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        others = [one for one in container.get("env", ()) if one["name"] not in variables]
        container["env"] = [*others, *({"name": key, "value": value} for key, value in variables.items())]
    metadata = {
        "name": name,
        "namespace": cron_job["metadata"]["namespace"],
        "labels": template.get("metadata", {}).get("labels", {}),
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}


def job_of(cron_job: Object, name: str, variables: Mapping[str, str]) -> Object:
    """A Job `name` that belongs to a CronJob, whose history limits apply to it too."""
    job, owner = bare_job(cron_job, name, variables), cron_job["metadata"]
    job["metadata"] |= {
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": owner["name"],
                "uid": owner["uid"],
                "controller": True,
            }
        ],
    }
    return job


@dataclass(slots=True)
class Job:
    """A Job that a command created, and the lines of its logs shown so far."""

    namespace: str
    name: str
    containers: Sequence[str]
    """Containers whose logs are shown, in the order in which they run."""

    run: Kubectl = kubectl
    _seen: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def start(
        cls,
        cron_job: str,
        namespace: str,
        *,
        containers: Sequence[str],
        variables: Mapping[str, str] | None = None,
        run: Kubectl = kubectl,
    ) -> "Job":
        """Create a Job from a CronJob.

        Raises:
            ClusterError: there is no such CronJob, or the Job is refused.
        """
        template = json.loads(run("get", "cronjob", cron_job, f"--namespace={namespace}", "--output=json"))
        name = f"{cron_job}-{datetime.now(UTC).strftime('%Y%m%d%H%M%S')}"
        run("create", "--filename=-", stdin=json.dumps(job_of(template, name, variables or {})))
        return cls(namespace, name, containers, run)

    def lines(self) -> Iterator[str]:
        """The lines of the Job's logs as they come, until the Job has ended.

        Raises:
            ClusterError: the Job does not start.
        """
        begin = time.monotonic()
        while True:
            ended = self.ended()
            yield from self._new_lines(whole=ended is not None)
            if ended is not None:
                return
            if not self._seen and time.monotonic() - begin > START_SECONDS:
                raise ClusterError(
                    f"no container of Job {self.name} has started within {START_SECONDS // 60} minutes:"
                    f" kubectl describe pods --namespace={self.namespace} --selector=job-name={self.name}"
                )
            time.sleep(POLL_SECONDS)

    def ended(self) -> bool | None:
        """True if the Job has succeeded, False if it has failed, None if it has not ended."""
        status = json.loads(self.run("get", "job", self.name, *self._space, "--output=json")).get("status", {})
        conditions = {one["type"] for one in status.get("conditions", ()) if one["status"] == "True"}
        if "Complete" in conditions:
            return True
        return False if "Failed" in conditions else None

    def delete(self) -> None:
        """Delete the Job and its pod."""
        self.run("delete", "job", self.name, *self._space, "--wait=false")

    def execute(self, container: str, *command: str) -> str:
        """Run a command in one of the Job's containers."""
        return self.run("exec", f"job/{self.name}", *self._space, f"--container={container}", "--", *command)

    @property
    def _space(self) -> tuple[str]:
        return (f"--namespace={self.namespace}",)

    def _new_lines(self, *, whole: bool) -> Iterator[str]:
        """Lines that were not shown yet; the last line of a log, which may be incomplete, only if `whole`."""
        for container in self.containers:
            try:
                log = self.run("logs", f"job/{self.name}", *self._space, f"--container={container}")
            except ClusterError:
                # It has not begun yet.
                return
            lines = log.splitlines(keepends=True)
            complete = [line.rstrip("\n") for line in lines if whole or line.endswith("\n")]
            yield from complete[self._seen.get(container, 0) :]
            self._seen[container] = len(complete)
