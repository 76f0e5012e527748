"""The section `scheduling` in every pod template of the whole program, for stacks that together have all of them."""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from components.exposure.certificate import authority_certificate
from tests.harness import Recording
from tests.policy.judge import as_asked, judge
from tests.program.stacks import ROOT, SECRETS, run, run_document
from tests.program.test_external import STACK as EXTERNAL

TOLERATION = {"key": "pool", "operator": "Equal", "value": "platform", "effect": "NoExecute", "tolerationSeconds": 60}
SCHEDULING: Mapping[str, Any] = {
    "nodeSelector": {"example.com/pool": "platform"},
    "tolerations": [TOLERATION],
    "priorityClass": "platform",
    "labels": {"cost-center": "4711"},
    "annotations": {"example.com/owner": "ml-platform"},
    "imagePullPolicy": "IfNotPresent",
    "topologyKeys": ["kubernetes.io/hostname"],
}
FRAUD: Mapping[str, Any] = {"model": "fraud", "image": "registry.example.com/fraud:1.0"}
AUTHORITY = authority_certificate(b"seed", "example.com")
S3 = {"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"}
DATABASE = {"kind": "external", "host": "postgres.example.com", "administrator": {"user": "postgres"}}
STORE_SECRETS = ("artifactsAccessKeyId", "artifactsSecretAccessKey")
DATABASE_SECRETS = ("databasePassword", "databaseAdministratorPassword")
WHOLE: Mapping[str, Any] = {
    "backups": {"enabled": True},
    "cluster": {"apiServer": ["192.0.2.1/32"], "authorities": AUTHORITY},
    "gateway": {"kind": "ingress", "login": "forward-auth"},
    "monitoring": {"metrics": "service-monitor"},
    "retention": {"deletedDays": 30},
    "server": {
        "image": "localhost/mlflow-platform/mlflow:3.17.2",
        "features": ["webhooks"],
        "webhookHosts": ["hooks.example.com"],
    },
    "sessions": {"store": "valkey"},
    "teams": {
        "team-b": {},
        "team-a": {
            "serving": {
                "fraud": {**FRAUD, "challenger": {"share": 10}},
                "spam": {**FRAUD, "kind": "kserve"},
            }
        },
    },
}
VARIANTS = {
    "dev": lambda: run("dev", scheduling=SCHEDULING),
    "prod": lambda: run("prod", secrets=SECRETS["prod"], scheduling=SCHEDULING),
    "everything in the cluster": lambda: run("dev", scheduling=SCHEDULING, **WHOLE),
    "services of one's own": lambda: run(
        "dev", secrets=(*STORE_SECRETS, *DATABASE_SECRETS), scheduling=SCHEDULING, database=DATABASE, artifacts=S3
    ),
    "volumes": lambda: run("dev", scheduling=SCHEDULING, database={"kind": "sqlite"}, artifacts={"kind": "volume"}),
    "no server": lambda: run_document(
        {**EXTERNAL, "scheduling": SCHEDULING}, stack="external", secrets=("trackingPassword",)
    ),
}
EVERY_VARIANT = pytest.mark.parametrize("variant", VARIANTS)


@functools.cache
def deployed(variant: str) -> Recording:
    return VARIANTS[variant]()


def pods(
    value: object, above: Mapping[str, Any] | None = None
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each pod spec in the inputs of a resource, of any kind and at any depth, with the metadata of the pod."""
    if isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from pods(inner)
    elif isinstance(value, dict):
        section = cast("dict[str, Any]", value)
        if "containers" in section:
            # KServe has both in one object.
            yield section, (above or {}).get("metadata") or section
        for inner in section.values():
            yield from pods(inner, section)


def every_pod(got: Recording) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    for resource in got:
        for spec, metadata in pods(resource.inputs):
            yield resource.urn, spec, metadata


def document(got: Recording) -> dict[str, Any]:
    return {resource.urn: resource.document for resource in got}


@EVERY_VARIANT
def test_every_pod_has_nodes_tolerations_priority_labels_and_annotations(variant: str) -> None:
    found = list(every_pod(deployed(variant)))
    assert found
    for urn, spec, metadata in found:
        assert spec["nodeSelector"] == SCHEDULING["nodeSelector"], urn
        assert spec["tolerations"] == [TOLERATION], urn
        assert spec["priorityClassName"] == "platform", urn
        assert metadata["labels"]["cost-center"] == "4711", urn
        assert metadata["annotations"]["example.com/owner"] == "ml-platform", urn
        keys = [one["topologyKey"] for one in spec.get("topologySpreadConstraints", [])]
        assert keys in ([], SCHEDULING["topologyKeys"]), urn


@EVERY_VARIANT
def test_every_container_has_the_image_pull_policy(variant: str) -> None:
    for urn, spec, _ in every_pod(deployed(variant)):
        for container in (*spec["containers"], *spec.get("initContainers", [])):
            assert container["imagePullPolicy"] == "IfNotPresent", (urn, container["name"])


@EVERY_VARIANT
def test_no_selector_has_a_label_of_the_section(variant: str) -> None:
    for resource in deployed(variant):
        spec = resource.inputs.get("spec", {})
        assert "cost-center" not in json.dumps([spec.get("selector"), spec.get("podSelector")]), resource.urn


@EVERY_VARIANT
def test_the_policy_pack_accepts_it(variant: str) -> None:
    stack = {"prod": "prod", "no server": "external"}.get(variant, "dev")
    assert judge(as_asked(deployed(variant), stack)) == []


def test_an_empty_section_changes_nothing() -> None:
    assert document(run("dev", scheduling={})) == document(run("dev"))


def test_no_pod_template_is_made_elsewhere() -> None:
    # What the variants above do not deploy has the section too.
    makers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "components").rglob("*.py")
        if "PodTemplateSpecArgs(" in path.read_text(encoding="utf-8")
    }
    assert makers == {"components/kubernetes/scheduling.py"}


def test_a_team_replaces_single_keys_for_the_pods_that_serve_its_models() -> None:
    own: Mapping[str, Any] = {"nodeSelector": {"example.com/pool": "gpu"}, "tolerations": []}
    teams = {"team-a": {"serving": {"fraud": FRAUD}, "scheduling": own}, "team-b": {"serving": {"fraud": FRAUD}}}
    got = run("dev", scheduling=SCHEDULING, cluster={"apiServer": ["192.0.2.1/32"]}, teams=teams)
    of_team = {
        urn: spec
        for resource in got
        if resource.inputs.get("metadata", {}).get("namespace") == "team-a"
        for urn, spec, _ in [(resource.urn, *one) for one in pods(resource.inputs)]
    }
    assert len(of_team) == 2  # the model's server, and the rollout
    for urn, spec, metadata in every_pod(got):
        mine = urn in of_team
        assert spec["nodeSelector"] == {"example.com/pool": "gpu" if mine else "platform"}, urn
        assert spec.get("tolerations") == (None if mine else [TOLERATION]), urn
        assert spec["priorityClassName"] == "platform", urn
        assert metadata["labels"]["cost-center"] == "4711", urn


def test_a_label_of_the_platform_wins() -> None:
    for urn, _, metadata in every_pod(deployed("dev")):
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "mlflow-platform", urn
