"""Jobs that run a script of components/scripts: the script's ConfigMap, a NetworkPolicy and the Job itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods, volumes
from components.kubernetes.scheduling import ANYWHERE, Scheduling, pod_template
from components.scripts import script

core = k8s.core.v1
batch = k8s.batch.v1

# For `pod_failure_policy`: a pod that is evicted or drained with its node does not count as a failed attempt.
IGNORE_DISRUPTION = batch.PodFailurePolicyArgs(
    rules=[
        batch.PodFailurePolicyRuleArgs(
            action="Ignore",
            on_pod_conditions=[
                batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
            ],
        )
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptJobArgs:
    """Input of `script_job`."""

    namespace: pulumi.Input[str]
    labels: dict[str, str]
    """Labels of Job and pod."""

    pod_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further labels of the pod, with which other NetworkPolicies select it."""

    image: str
    """Image with Python and the packages that the script imports."""

    pull_secrets: Sequence[str]
    """Names of the image pull Secrets."""

    scheduling: Scheduling = ANYWHERE
    """Nodes, priority, labels and image pull policy of the pods."""

    task: str
    """Name of the container, for example `ensure-role`. It is also the name of the directory in /etc that contains the
    script and, with underscores, the name of the script."""

    modules: Sequence[str] = ()
    """Further files of components/scripts that the script imports."""

    env: Sequence[core.EnvVarArgs]
    resources: pods.Resources
    attachment: pods.Attachment | None = None
    """Environment variables, mounts and volumes in addition to `env` and the script's volume."""

    egress: Sequence[networks.Flow]
    """Connections that the pod may open; it accepts no connections."""

    backoff_limit: int
    """Number of retries after the first failure."""

    pod_failure_policy: batch.PodFailurePolicyArgs | None = None
    minutes: int | None = None
    """Deadline of the Job in minutes; with None only the timeout of Pulumi's Kubernetes provider applies."""

    service_account: pulumi.Input[str] | None = None
    affinity: core.AffinityArgs | None = None
    ready: Sequence[pulumi.Resource]
    """Resources that must exist before the Job starts."""


def script_job(
    name: str, args: ScriptJobArgs, opts: pulumi.ResourceOptions, *, job_name: str | None = None
) -> batch.Job:
    """A Job that runs once, and again after its inputs change.

    A failure stops the deployment and shows the end of the pod's log. The name of the Job's Pulumi resource is
    `job_name`, by default `<name>-job`.
    """
    spec, network = script_work(name, args, opts)
    return batch.Job(
        job_name or f"{name}-job",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=args.namespace,
            labels=args.labels,
            # Kubernetes never restarts a failed Job: the next `up` replaces it.
            annotations={"pulumi.com/replaceUnready": "true"},
        ),
        spec=spec,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[*args.ready, network],
                # The Job's own deadline comes first, and its message says why.
                custom_timeouts=None if args.minutes is None else pulumi.CustomTimeouts(create=f"{args.minutes + 1}m"),
            ),
        ),
    )


def script_work(
    name: str, args: ScriptJobArgs, opts: pulumi.ResourceOptions
) -> tuple[batch.JobSpecArgs, k8s.networking.v1.NetworkPolicy]:
    """Create the script's ConfigMap and NetworkPolicy; returns the spec of a Job that runs it once, and the policy."""
    scripts = core.ConfigMap(
        f"{name}-script",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        data={file: script(file) for file in (_main(args), *args.modules)},
        opts=opts,
    )
    network = networks.open_flows(name, args.namespace, to_pods=args.labels, egress=args.egress, opts=opts)
    spec = batch.JobSpecArgs(
        backoff_limit=args.backoff_limit,
        active_deadline_seconds=None if args.minutes is None else args.minutes * 60,
        pod_failure_policy=args.pod_failure_policy,
        template=pod_template(_pod(args, scripts.metadata.name), {**args.labels, **args.pod_labels}, args.scheduling),
    )
    return spec, network


def _main(args: ScriptJobArgs) -> str:
    return f"{args.task.replace('-', '_')}.py"


def _pod(args: ScriptJobArgs, scripts: pulumi.Input[str]) -> core.PodSpecArgs:
    """The pod that runs the script once; `scripts` is the name of the ConfigMap with the script."""
    folder = f"/etc/{args.task}"
    files = volumes.config_map_files("script", scripts, folder)
    container = core.ContainerArgs(
        name=args.task,
        image=args.image,
        command=["python3", f"{folder}/{_main(args)}"],
        resources=args.resources.to_args(),
        termination_message_policy="FallbackToLogsOnError",
    )
    pod = pods.hardened_pod(
        pods.MLFLOW_UID,
        container,
        pods.joined(pods.Attachment(env=tuple(args.env)), files, args.attachment or pods.NOTHING),
        pull_secrets=args.pull_secrets,
        service_account=args.service_account,
        restart_policy="Never",
        affinity=args.affinity,
    )
    if args.attachment is not None:
        # An empty list instead of None: existing Jobs were created with it, and another value would replace them.
        pod.init_containers = [*args.attachment.init_containers]
    return pod
