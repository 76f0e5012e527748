"""Whatever the plan does not know is named: no field, kind or operation passes as safe because nobody thought of it."""

from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_people import source
from tests.tools.plan.test_trust import CONTAINER, POD, POD_PATH, changed, updated, variables
from tools.access.words import PLAIN
from tools.plan.effects import effects
from tools.plan.plan import Plan, plan
from tools.plan.preview import Step
from tools.plan.selectors import WORKLOADS
from tools.plan.trust import concerns
from tools.plan.unread import HARMLESS_OF, LOSSES, PASSIVE, fields

Object = dict[str, Any]
# Kinds that the platform creates, and some that it does not.
KINDS = sorted(
    {
        *WORKLOADS, *PASSIVE, *LOSSES, *(kind for kind in HARMLESS_OF if kind[0].isupper()),
        "BackendTLSPolicy", "ClusterPolicy", "Gateway", "MutatingWebhookConfiguration", "Unheard",
        "ValidatingAdmissionPolicy", "ValidatingWebhookConfiguration",
    }
)  # fmt: skip


def planned(*steps: Step) -> Plan:
    return plan("dev", preview(*steps), access=None, now=source(), past=source())


def other(kind: str, path: str, op: str = "update", **fields: Any) -> Step:  # noqa: ANN401 - fields of a step
    return step(op, kind, "a", old={"invented": 1}, new={"invented": 2}, changed=(path,), **fields)


@pytest.mark.parametrize("op", ["update", "replace"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_is_in_no_list_is_named_of_every_kind(kind: str, op: str) -> None:
    made = other(kind, "spec.invented.later", op)
    assert fields(made) == ("spec.invented.later",)
    assert planned(made).outcome == "approval"


OF_PODS = ("volumes", "dnsPolicy", "dnsConfig.nameservers[0]", "hostAliases[0].ip", "imagePullSecrets[0].name",
           "enableServiceLinks", "schedulerName", "setHostnameAsFQDN", "resourceClaims", "os.name")  # fmt: skip
OF_CONTAINERS = ("command", "args", "env", "envFrom", "lifecycle", "livenessProbe.exec.command[0]", "ports", "stdin",
                 "terminationMessagePath", "tty", "volumeDevices", "volumeMounts", "workingDir")  # fmt: skip


@pytest.mark.parametrize("template", ["spec.template.spec", "spec.jobTemplate.spec.template.spec", "spec.predictor"])
@pytest.mark.parametrize("path", [*OF_PODS, *(f"containers[0].{name}" for name in OF_CONTAINERS)])
def test_fields_of_pods_that_decide_what_runs_are_named(path: str, template: str) -> None:
    old, new = ({"spec": {"template": {"spec": changed(args=[value])}}} for value in ("--a=b", "--a=c"))
    made = step("update", "Deployment", "a", old=old, new=new, changed=(f"{template}.{path}",))
    assert fields(made) == (f"{template}.{path}",)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Service", "spec.type"), ("Service", "spec.externalIPs[0]"), ("Service", "spec.selector.app"),
        ("ResourceQuota", 'spec.hard["services.nodeports"]'), ("ConfigMap", 'data["settings.json"]'),
        ("Secret", "stringData.password"), ("Secret", "data.password"), ("Ingress", "metadata.annotations.a"),
        ("StatefulSet", "spec.serviceName"), ("PersistentVolumeClaim", "spec.accessModes[0]"),
        ("Instance", "publiclyAccessible"), ("Instance", "vpcSecurityGroupIds[0]"), ("Key", "policy"),
        ("BucketLifecycleConfiguration", "bucket"), ("kubernetes", "kubeconfig"),
    ],
)  # fmt: skip
def test_fields_that_open_something_are_named_of_kinds_that_have_harmless_ones(kind: str, path: str) -> None:
    assert fields(other(kind, path)) == (path,)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", "spec.replicas"), ("CronJob", "spec.schedule"), ("ResourceQuota", "spec.hard.pods"),
        ("PodDisruptionBudget", "spec.minAvailable"), ("PersistentVolumeClaim", "spec.resources.requests.storage"),
        ("Instance", "instanceClass"), ("Service", 'metadata.annotations["pulumi.com/skipAwait"]'),
    ],
)  # fmt: skip
def test_fields_with_a_reason_to_be_harmless_are_not_named(kind: str, path: str) -> None:
    assert fields(other(kind, path)) == ()


@pytest.mark.parametrize(
    ("option", "named"),
    [("--workers", False), ("--threads", False), ("--port", True), ("--token-lifetime", True), ("--user-id", True)],
)
def test_a_number_is_harmless_unless_its_name_is_about_access(option: str, *, named: bool) -> None:
    old, new = ({"spec": {"template": {"spec": changed(args=[f"{option}={number}"])}}} for number in (1, 2))
    made = step("update", "Deployment", "a", old=old, new=new, changed=(f"{CONTAINER}.args[0]",))
    assert bool(fields(made)) == named


def test_a_word_beside_a_number_that_changes_is_named() -> None:
    pod = changed(env=variables(("WORKERS", "3"), ("EXTRA", "on")))
    assert fields(updated(pod, f"{CONTAINER}.env")) == (f"{CONTAINER}.env",)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - PASSIVE - {"Namespace", "NamespacePatch", "Service"}))
def test_a_new_object_is_named_unless_its_namespace_is_new(kind: str) -> None:
    annotated: Object = {"metadata": {"name": "a", "namespace": "b", "annotations": {"role": "x"}}}
    made = step("create", kind, "a", new=annotated)
    assert [each.short for each in concerns([made])] == ["is new"]
    assert concerns([made, step("create", "Namespace", "b", new={"metadata": {"name": "b"}})]) == []


@pytest.mark.parametrize(("kind", "named"), [("ClusterIP", False), ("LoadBalancer", True), ("NodePort", True)])
def test_a_new_service_is_named_if_it_is_reached_from_outside(kind: str, *, named: bool) -> None:
    assert bool(concerns([step("create", "Service", "a", new={"spec": {"type": kind}})])) == named


@pytest.mark.parametrize("kind", sorted(set(KINDS) - LOSSES))
def test_a_deleted_object_that_may_have_guarded_something_is_named(kind: str) -> None:
    assert [each.short for each in concerns([step("delete", kind, "a", old={})])] == ["is deleted"]


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_what_is_only_taken_away_is_said_elsewhere(kind: str) -> None:
    assert concerns([step("delete", kind, "a", old={})]) == []


def test_what_is_not_known_is_named_beside_what_is() -> None:
    pod = {**changed(volumeMounts=[{"name": "tmp", "mountPath": "/etc"}]), "hostNetwork": True}
    made = step(
        "update", "CronJob", "backup",
        old={"spec": {"template": {"spec": POD}}}, new={"spec": {"template": {"spec": pod}}},
        changed=(f"{CONTAINER}.volumeMounts", f"{POD_PATH}.hostNetwork"),
    )  # fmt: skip
    known, unknown = concerns([made])
    assert known.known
    assert unknown.paths == (f"{CONTAINER}.volumeMounts",)
    assert any(f"changes {CONTAINER}.volumeMounts, and" in each for each in effects(planned(made), PLAIN))
