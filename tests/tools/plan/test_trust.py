"""Changes of what runs in pods, of its privileges, and of whom it trusts: none of them is called safe."""

import copy
from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_people import source
from tools.plan.plan import Plan, plan
from tools.plan.preview import Step
from tools.plan.report import markdown
from tools.plan.trust import concerns

Object = dict[str, Any]
POD: Object = {
    "serviceAccountName": "mlflow",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True},
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "initContainers": [{"name": "haproxy", "image": "docker.io/library/haproxy:3.0"}],
    "containers": [
        {
            "name": "mlflow",
            "image": "registry.example.com/mlflow:3.17.2",
            "command": ["mlflow", "server", "--workers=2", "--allowed-hosts=mlflow.example.com"],
            "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "WORKERS", "value": "2"}],
            "resources": {"limits": {"memory": "1Gi"}},
            "readinessProbe": {"periodSeconds": 5},
            "securityContext": {"allowPrivilegeEscalation": False},
        }
    ],
}
POD_PATH = "spec.template.spec"
CONTAINER = f"{POD_PATH}.containers[0]"


def workload(pod: Object = POD, **spec: Any) -> Object:  # noqa: ANN401 - fields of a spec
    metadata = {"labels": {"app.kubernetes.io/name": "mlflow"}}
    strategy = {"rollingUpdate": {"maxUnavailable": 0}}
    return {
        "metadata": {"name": "mlflow", "namespace": "mlflow"},
        "spec": {"replicas": 1, "strategy": strategy, "template": {"metadata": metadata, "spec": pod}, **spec},
    }


def changed(**fields: Any) -> Object:  # noqa: ANN401 - fields of the first container
    pod = copy.deepcopy(POD)
    pod["containers"][0] |= fields
    return pod


def updated(pod: Object, path: str, kind: str = "Deployment") -> Step:
    return step("update", kind, "mlflow", old=workload(), new=workload(pod), changed=(path,))


def planned(*steps: Step) -> Plan:
    return plan("dev", preview(*steps), access=None, now=source(), past=source())


def reasons(*steps: Step) -> list[str]:
    return planned(*steps).reasons


def variables(*named: tuple[str, str]) -> list[Object]:
    return [{"name": name, "value": value} for name, value in named]


PROXY, WORKERS = ("HTTPS_PROXY", "http://proxy:3128"), ("WORKERS", "2")
KNOWN = {
    "another registry": (changed(image="evil.example/mlflow:3.17.2"), f"{CONTAINER}.image", "runs an image from evil"),
    "another path": (changed(image="registry.example.com/other:3.17.2"), f"{CONTAINER}.image", "runs an image from"),
    "another proxy": (changed(env=variables(("HTTPS_PROXY", "http://other:1"), WORKERS)), f"{CONTAINER}.env[0].value",
                      "sends its requests through the proxy http://other:1"),
    "no proxy": (changed(env=variables(WORKERS)), f"{CONTAINER}.env", "sends its requests without the proxy"),
    "a proxy in small letters": (changed(env=variables(PROXY, WORKERS, ("http_proxy", "http://b:1"))),
                                 f"{CONTAINER}.env", "through the proxy http://b:1"),
    "privileges of a container": (changed(securityContext={"privileged": True}), f"{CONTAINER}.securityContext",
                                  "has other privileges"),
    "no privileges said": (changed(securityContext=None), f"{CONTAINER}.securityContext", "has other privileges"),
    "another container": ({**POD, "containers": [*POD["containers"], {"name": "more", "image": "a/b:1"}]},
                          f"{POD_PATH}.containers[1]", "gets another container, more"),
    "a file of the node": ({**POD, "volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
                           f"{POD_PATH}.volumes[0]", "has other privileges"),
    **{
        name: ({**POD, name: value}, f"{POD_PATH}.{name}", "has other privileges")
        for name, value in {
            "automountServiceAccountToken": True, "hostIPC": True, "hostNetwork": True, "hostPID": True,
            "hostUsers": True, "runtimeClassName": "weak", "securityContext": {"runAsUser": 0},
            "serviceAccountName": "admin", "shareProcessNamespace": True,
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job"])
def test_what_runs_and_with_which_rights_needs_approval_and_a_sentence(kind: str, name: str) -> None:
    pod, path, short = KNOWN[name]
    found = planned(updated(pod, path, kind))
    assert any(short in reason for reason in found.reasons), found.reasons
    (concern, *_) = concerns([updated(pod, path, kind)])
    assert concern.known
    assert f"{kind} " in markdown([found])


UNKNOWN = {
    "command": changed(command=[*POD["containers"][0]["command"][:3], "--allowed-hosts=*"]),
    "args": changed(args=["--skip-auth-route=/"]),
    "env": changed(env=variables(PROXY, WORKERS, ("OAUTH2_PROXY_SSL_INSECURE_SKIP_VERIFY", "true"))),
    "volumeMounts": changed(volumeMounts=[{"name": "tmp", "mountPath": "/etc"}]),
    "lifecycle": changed(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}),
    "ports": changed(ports=[{"containerPort": 22, "hostPort": 22}]),
    "envFrom": changed(envFrom=[{"secretRef": {"name": "other"}}]),
}


@pytest.mark.parametrize("field", UNKNOWN)
def test_a_field_that_no_part_of_the_plan_reads_is_not_safe(field: str) -> None:
    made = updated(UNKNOWN[field], f"{CONTAINER}.{field}")
    assert reasons(made) == ["Deployment mlflow/mlflow: what the change means is not known"]
    assert f"changes `{CONTAINER}.{field}`, and what that means is not known to this plan" in markdown([planned(made)])


@pytest.mark.parametrize(
    ("pod", "path"),
    [
        (changed(image="registry.example.com/mlflow:3.17.3"), f"{CONTAINER}.image"),
        (changed(image="registry.example.com/mlflow@sha256:0"), f"{CONTAINER}.image"),
        (changed(resources={"limits": {"memory": "900Mi"}}), f"{CONTAINER}.resources.limits.memory"),
        (changed(readinessProbe={"periodSeconds": 9}), f"{CONTAINER}.readinessProbe.periodSeconds"),
        (changed(command=["mlflow", "server", "--workers=3", "--allowed-hosts=mlflow.example.com"]),
         f"{CONTAINER}.command[2]"),
        (changed(env=variables(PROXY, ("WORKERS", "3"))), f"{CONTAINER}.env[1].value"),
        ({**POD, "nodeSelector": {"a": "b"}}, f"{POD_PATH}.nodeSelector"),
        ({**POD, "terminationGracePeriodSeconds": 9}, f"{POD_PATH}.terminationGracePeriodSeconds"),
    ],
)  # fmt: skip
def test_sizes_probes_places_and_versions_of_one_image_are_safe(pod: Object, path: str) -> None:
    assert reasons(updated(pod, path)) == []


def other(kind: str, old: Object, new: Object, path: str) -> Step:
    return step("update", kind, "team-a", old=old, new=new, changed=(path,))


def labelled(**labels: str) -> Object:
    return {"metadata": {"name": "team-a", "labels": {"mlflow-enabled": "true", **labels}}}


LEVEL = "pod-security.kubernetes.io/enforce"


@pytest.mark.parametrize("kind", ["Namespace", "NamespacePatch"])
@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({LEVEL: "restricted"}, {LEVEL: "baseline"}, "admits pods of the Pod Security level baseline"),
        ({LEVEL: "restricted"}, {}, "admits pods of the Pod Security level privileged"),
        ({LEVEL: "baseline"}, {LEVEL: "privileged"}, "admits pods of the Pod Security level privileged"),
        ({}, {"istio-injection": "enabled"}, "has other labels"),
        ({"cost": "1"}, {"cost": "2"}, "has other labels"),
        ({"cost": "1"}, {}, "has other labels"),
    ],
)
def test_labels_of_a_namespace_need_approval(
    kind: str, before: dict[str, str], after: dict[str, str], sentence: str
) -> None:
    made = other(kind, labelled(**before), labelled(**after), "metadata.labels")
    assert [sentence in reason for reason in reasons(made)] == [True]


def test_another_description_needs_none() -> None:
    described = 'metadata.annotations["mlflow.kubeflow.org/workspace-description"]'
    assert reasons(other("Namespace", labelled(), labelled(), described)) == []


@pytest.mark.parametrize(
    "kind",
    ["ClusterRole", "ClusterRoleBinding", "Gateway", "HTTPRoute", "Ingress", "Role", "RoleBinding", "ServiceAccount"],
)
def test_a_change_of_rights_or_of_the_way_in_is_not_safe(kind: str) -> None:
    rules: Object = {"metadata": {"name": "a", "namespace": "b"}, "rules": [{"verbs": ["get"]}]}
    more = {**rules, "rules": [{"verbs": ["*"]}]}
    assert reasons(other(kind, rules, more, "rules[0].verbs[0]")) == [f"{kind} b/a: what the change means is not known"]


@pytest.mark.parametrize("kind", ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"])
@pytest.mark.parametrize("op", ["create", "replace"])
def test_new_rights_and_another_role_of_a_binding_are_not_safe(op: str, kind: str) -> None:
    """The role of a binding cannot be changed: the binding is replaced."""
    bound: Object = {"metadata": {"name": "a", "namespace": "b"}, "roleRef": {"name": "cluster-admin"}}
    sides = {"new": bound} if op == "create" else {"new": bound, "old": {**bound, "roleRef": {"name": "view"}}}
    made = step(op, kind, "a", changed=("roleRef.name",) if op == "replace" else (), **sides)
    assert reasons(made) == [f"{kind} b/a: what the change means is not known"]


def test_rights_in_a_new_namespace_are_said_elsewhere() -> None:
    space = step("create", "Namespace", "b", new={"metadata": {"name": "b"}})
    role = step("create", "Role", "a", new={"metadata": {"name": "a", "namespace": "b"}})
    assert concerns([space, role]) == []


@pytest.mark.parametrize("key", ["ca.crt", "company.crt", "authorities.pem", "settings.json"])
def test_other_ca_certificates_need_approval(key: str) -> None:
    before, after = ({"metadata": {"name": "authorities"}, "data": {key: value}} for value in ("a", "b"))
    found = reasons(other("ConfigMap", before, after, f'data["{key}"]'))
    said = ": what the change means is not known" if key == "settings.json" else " has other CA certificates"
    assert found == [f"ConfigMap authorities{said}"]


def test_another_generated_name_of_the_same_secret_is_safe() -> None:
    before, after = (
        {"metadata": {"name": "mlflow"}, "spec": {"tls": [{"secretName": f"certificate-host-{end}"}]}}
        for end in ("0a1b2c3d", "4e5f6a7b")
    )
    assert reasons(other("Ingress", before, after, "spec.tls[0].secretName")) == []


def test_the_ca_certificate_that_clients_trust_is_said_once() -> None:
    both = [
        step(
            "update", "ConfigMap", name,
            old={"metadata": {"name": name}, "data": {"ca.crt": "a"}},
            new={"metadata": {"name": name}, "data": {"ca.crt": "b"}},
        )
        for name in ("mlflow-ca", "login-authority")
    ]  # fmt: skip
    assert reasons(*both) == ["clients have to trust another CA certificate"]
    assert reasons(both[1]) == ["ConfigMap login-authority has other CA certificates"]
