"""CronJobs that run a script of components/scripts: as `script_job`, but at a time of the day instead of at `up`."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.script_job import ScriptJobArgs, script_work

batch = k8s.batch.v1

# A run that could not start within an hour, because the cluster was down, waits for the next day.
LATEST_START_SECONDS = 3600
KEPT_JOBS = 2


def daily(hour: int) -> str:
    """The schedule of a CronJob that runs daily at `hour`:30, because other programs often run on the hour."""
    return f"30 {hour} * * *"


def script_cron_job(
    name: str, args: ScriptJobArgs, schedule: str, opts: pulumi.ResourceOptions, *, suspended: bool = False
) -> batch.CronJob:
    """A CronJob (time zone UTC) that runs the script, never concurrently, and not at all if it is `suspended`.

    Its name in Kubernetes is `name`, because people start it by hand (`kubectl create job --from=cronjob/...`).
    """
    spec, network = script_work(name, args, opts)
    return batch.CronJob(
        f"{name}-cron-job",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name=name, labels=args.labels),
        spec=batch.CronJobSpecArgs(
            schedule=schedule,
            time_zone="Etc/UTC",
            concurrency_policy="Forbid",
            suspend=True if suspended else None,
            starting_deadline_seconds=LATEST_START_SECONDS,
            successful_jobs_history_limit=KEPT_JOBS,
            failed_jobs_history_limit=KEPT_JOBS,
            job_template=batch.JobTemplateSpecArgs(metadata=k8s.meta.v1.ObjectMetaArgs(labels=args.labels), spec=spec),
        ),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*args.ready, network])),
    )
