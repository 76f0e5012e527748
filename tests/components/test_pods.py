from typing import Any

import pulumi_kubernetes as k8s

from components.kubernetes import pods, volumes
from tests.harness import deploy


def as_registered(spec: k8s.core.v1.PodSpecArgs) -> dict[str, Any]:
    """A pod specification as the engine receives it."""
    return deploy(lambda: pod_of(spec))["pod"].inputs["spec"]


def pod_of(spec: k8s.core.v1.PodSpecArgs) -> None:
    k8s.core.v1.Pod("pod", spec=spec)


def test_a_pod_runs_as_a_numbered_user_under_the_runtimes_system_call_filter() -> None:
    spec = k8s.core.v1.PodSpecArgs(containers=[], security_context=pods.pod_security(999))
    assert as_registered(spec)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "runAsGroup": 999,
        "fsGroup": 999,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_container_has_no_capability_and_cannot_change_its_programs() -> None:
    container = k8s.core.v1.ContainerArgs(name="x", security_context=pods.container_security())
    (spec,) = as_registered(k8s.core.v1.PodSpecArgs(containers=[container]))["containers"]
    assert spec["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_sizes_probes_secrets_and_scratch_space_are_written_as_kubernetes_has_them() -> None:
    size = pods.Resources(cpu="20m", memory="32Mi", cpu_limit="1", memory_limit="64Mi")
    container = k8s.core.v1.ContainerArgs(
        name="x",
        resources=size.to_args(),
        liveness_probe=pods.http_probe("/health", 8080, period=15, failures=4, delay=30),
        env=[pods.secret_env("PGPASSWORD", "some-secret", "password")],
    )
    spec = as_registered(k8s.core.v1.PodSpecArgs(containers=[container], volumes=[volumes.empty_dir("tmp", "64Mi")]))
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    assert spec["containers"] == [
        {
            "name": "x",
            "resources": {
                "requests": {"cpu": "20m", "memory": "32Mi"},
                "limits": {"cpu": "1", "memory": "64Mi"},
            },
            "livenessProbe": {
                "httpGet": {"path": "/health", "port": 8080},
                "initialDelaySeconds": 30,
                "periodSeconds": 15,
                "timeoutSeconds": 5,
                "failureThreshold": 4,
            },
            "env": [{"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "some-secret", "key": "password"}}}],
        }
    ]


def test_labels_name_the_component_and_the_platform() -> None:
    assert pods.labels("postgres") == {
        "app.kubernetes.io/name": "postgres",
        "app.kubernetes.io/part-of": "mlflow-platform",
    }


def hardened(attachment: pods.Attachment) -> dict[str, Any]:
    container = k8s.core.v1.ContainerArgs(name="x", image="x:1")
    return as_registered(pods.hardened_pod(999, container, attachment, pull_secrets=("pull",)))


def test_a_hardened_pod_has_no_token_no_service_variables_and_a_restricted_container() -> None:
    spec = hardened(pods.NOTHING)
    assert spec["securityContext"]["runAsUser"] == 999
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_an_attachment_is_added_to_pod_and_container() -> None:
    variable = k8s.core.v1.EnvVarArgs(name="A", value="b")
    first = k8s.core.v1.ContainerArgs(name="first", image="x:1")
    attachment = pods.joined(pods.Attachment(env=(variable,), init_containers=(first,)), volumes.tmp("64Mi"))
    spec = hardened(attachment)
    (container,) = spec["containers"]
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - a volume of the pod
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    assert [one["name"] for one in spec["initContainers"]] == ["first"]


def test_of_two_attachments_with_the_same_names_the_last_one_counts() -> None:
    one, other = (k8s.core.v1.EnvVarArgs(name="A", value=value) for value in ("1", "2"))
    spec = hardened(pods.joined(pods.Attachment(env=(one,)), pods.Attachment(env=(other,))))
    assert spec["containers"][0]["env"] == [{"name": "A", "value": "2"}]
