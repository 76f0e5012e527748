from dataclasses import replace

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks, pods
from components.kubernetes.script_job import ScriptJobArgs, script_job
from components.scripts import script
from tests.cloud import autoname
from tests.components.parts import CLIENT, NAMESPACE, container, opened, pod
from tests.harness import Recording, deploy

ARGS = ScriptJobArgs(
    namespace=NAMESPACE,
    labels=CLIENT,
    image="mlflow:1.2.3",
    pull_secrets=(),
    task="create-bucket",
    env=(),
    resources=pods.Resources(cpu="50m", memory="64Mi", cpu_limit="1", memory_limit="256Mi"),
    egress=(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443]),),
    backoff_limit=2,
    ready=(),
)


def job(args: ScriptJobArgs = ARGS, job_name: str | None = None) -> Recording:
    def program() -> None:
        exists = k8s.core.v1.ConfigMap("exists")
        script_job("task", replace(args, ready=(exists,)), pulumi.ResourceOptions(), job_name=job_name)

    return deploy(program)


def test_the_container_runs_the_script_of_its_task() -> None:
    got = job(replace(ARGS, modules=("revisions.py",)))
    assert got["task-script"].inputs["data"] == {
        "create_bucket.py": script("create_bucket.py"),
        "revisions.py": script("revisions.py"),
    }
    spec = container(got, "task-job")
    assert spec["name"] == "create-bucket"
    assert spec["command"] == ["python3", "/etc/create-bucket/create_bucket.py"]
    assert spec["volumeMounts"] == [{"name": "script", "mountPath": "/etc/create-bucket", "readOnly": True}]
    assert pod(got, "task-job")["volumes"] == [{"name": "script", "configMap": {"name": autoname("task-script")}}]


def test_it_starts_after_its_network_policy_and_what_it_needs() -> None:
    got = job()
    assert {"task-network", "task-script", "exists"} <= got["task-job"].dependencies
    ingress, egress = opened(got["task-network"])
    assert ingress == []
    assert [port["port"] for rule in egress for port in rule["ports"]] == [443]


def test_a_failed_job_is_replaced_and_shows_the_end_of_its_log() -> None:
    got = job()
    assert got["task-job"].inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    assert got["task-job"].inputs["spec"]["backoffLimit"] == 2
    assert pod(got, "task-job")["restartPolicy"] == "Never"
    assert container(got, "task-job")["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_deadline_ends_the_job_before_pulumi_stops_waiting() -> None:
    assert "activeDeadlineSeconds" not in job()["task-job"].inputs["spec"]
    limited = job(replace(ARGS, minutes=5))["task-job"]
    assert limited.inputs["spec"]["activeDeadlineSeconds"] == 300
    assert limited.create_timeout == "6m"


def test_the_jobs_resource_may_have_another_name() -> None:
    assert job(job_name="other")["other"].kind == "Job"
