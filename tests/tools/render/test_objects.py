import json
import re

import pytest

from tests.harness import Registered
from tests.program.stacks import SECRETS, STACKS, recorded
from tests.tools.render.parts import registered, rendered
from tools.render.objects import WAVE, LeakError, Rendered, collected, differing, hashed_names
from tools.render.values import Json, StandIns

NONE = frozenset[tuple[str, str]]()
AT_AWS = (
    ("bucket-bucket.bucket", "company-artifacts"),
    ("database-identity-role.arn", "arn:aws:iam::123456789012:role/database"),
    ("rds-instance.address", "db.example.com"),
    ("rds-instance.masterUserSecrets", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds"),
    ("server-identity-role.arn", "arn:aws:iam::123456789012:role/server"),
)


def waves(found: Rendered) -> dict[str, int]:
    return {item.resource: item.wave for item in found.items}


def annotations(found: Rendered, resource: str) -> dict[str, str]:
    (item,) = [item for item in found.items if item.resource == resource]
    return item.manifest["metadata"]["annotations"]


def test_an_object_is_in_a_wave_after_everything_that_it_depends_on() -> None:
    found = collected(
        [
            registered("Deployment", "server", needs=("job", "network")),
            registered("Job", "job", needs=("database",)),
            registered("StatefulSet", "database"),
            registered("NetworkPolicy", "network"),
        ],
        NONE,
    )
    assert waves(found) == {"database": 0, "network": 0, "job": 1, "server": 2}
    assert [item.wave for item in found.items] == [0, 0, 1, 2], "kubectl creates them in this order"
    assert annotations(found, "server")[WAVE] == "2"


def test_a_server_that_nobody_waits_for_holds_back_nothing() -> None:
    late = {"pulumi.com/skipAwait": "true"}
    found = collected(
        [
            registered("Deployment", "model", annotations=late),
            registered("Namespace", "namespace"),
            registered("Deployment", "server", needs=("namespace",)),
            registered("Ingress", "ingress", needs=("server",)),
        ],
        NONE,
    )
    assert waves(found) == {"namespace": 0, "server": 1, "ingress": 2, "model": 3}


def test_a_claim_is_in_the_wave_of_its_first_pod_without_which_it_would_never_be_bound() -> None:
    found = collected(
        [
            registered("Deployment", "server", component="a", needs=("claim", "job")),
            registered("Job", "job", component="a", needs=("claim", "network")),
            registered("PersistentVolumeClaim", "claim", component="b", needs=("namespace",)),
            registered("NetworkPolicy", "network", needs=("namespace",)),
            registered("Namespace", "namespace"),
            registered("PersistentVolumeClaim", "unused", needs=("namespace",)),
        ],
        NONE,
    )
    assert waves(found) == {"namespace": 0, "unused": 1, "network": 1, "claim": 2, "job": 2, "server": 3}
    order = [item.resource for item in found.items]
    assert order.index("claim") < order.index("job"), "kubectl creates the claim before the pod"


def test_what_exists_before_takes_no_wave_of_its_own() -> None:
    found = collected(
        [
            registered("Namespace", "namespace"),
            registered("Secret", "password", needs=("namespace",)),
            registered("Deployment", "server", needs=("password",)),
        ],
        frozenset({("kubernetes:core/v1:Secret", "password")}),
    )
    assert waves(found) == {"namespace": 0, "server": 1}
    assert [item.identity for item in found.beforehand] == [("Secret", "mlflow", "password")]


def test_a_job_runs_at_each_synchronisation() -> None:
    found = collected([registered("Job", "job"), registered("StatefulSet", "data")], NONE)
    assert annotations(found, "job")["argocd.argoproj.io/hook"] == "Sync"
    assert "argocd.argoproj.io/hook" not in annotations(found, "data")


@pytest.mark.parametrize(
    ("kind", "protect", "kept"),
    [
        ("StatefulSet", True, True),
        ("StatefulSet", False, False),
        ("Namespace", False, True),
        ("PersistentVolumeClaim", False, True),
        ("RoleBinding", False, False),
    ],
)
def test_argo_cd_never_deletes_what_is_protected_or_has_volumes(kind: str, protect: bool, kept: bool) -> None:  # noqa: FBT001 - values of a table
    found = annotations(collected([registered(kind, "one", protect=protect)], NONE), "one")
    expected = {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    }
    assert found == {WAVE: "0"} | (expected if kept else {})


def test_what_only_pulumi_reads_is_left_out_and_so_is_what_an_autoscaler_writes() -> None:
    server = registered(
        "Deployment",
        "server",
        annotations={"pulumi.com/patchForce": "true", "example.com/mine": "yes"},
        ignored=("spec.replicas",),
        spec={"replicas": 2, "paused": False},
    )
    (item,) = collected([server], NONE).items
    assert item.manifest["metadata"]["annotations"] == {"example.com/mine": "yes", WAVE: "0"}
    assert item.manifest["spec"] == {"paused": False}
    assert server.inputs["spec"] == {"replicas": 2, "paused": False}


def test_a_network_policy_has_nothing_empty_that_kubernetes_would_not_store() -> None:
    everybody: Json = {"matchLabels": {}}
    spec: Json = {
        "podSelector": everybody,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [{"to": [{"namespaceSelector": everybody}], "ports": []}],
    }
    (item,) = collected([registered("NetworkPolicy", "closed", spec=spec)], NONE).items
    assert item.manifest["spec"] == {
        "egress": [{"to": [{"namespaceSelector": {}}]}],
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_the_order_of_keys_is_always_the_same() -> None:
    one, other = (
        collected([registered("ConfigMap", "script", data=data, binaryData={})], NONE).items[0].manifest
        for data in (
            {"b": "2", "a": {"d": 4, "c": [{"y": 1, "x": 1}]}},
            {"a": {"c": [{"x": 1, "y": 1}], "d": 4}, "b": "2"},
        )
    )
    assert json.dumps(one) == json.dumps(other)
    assert list(one) == ["apiVersion", "kind", "metadata", "binaryData", "data"]


def test_a_secret_and_a_config_map_that_depends_on_one_are_not_for_the_repository() -> None:
    once = [registered("Secret", "key", data={"key": "1"}), registered("ConfigMap", "ca", data={"ca.crt": "1"})]
    again = [registered("Secret", "key", data={"key": "2"}), registered("ConfigMap", "ca", data={"ca.crt": "2"})]
    assert {name for _, name in differing(once, again)} == {"key", "ca"}


def test_a_secret_in_any_other_object_is_refused() -> None:
    once, again = ([registered("Deployment", "server", spec={"password": text})] for text in ("1", "2"))
    with pytest.raises(LeakError, match="Deployment server contains a secret"):
        differing(once, again)
    marked = [registered("ConfigMap", "settings", has_secrets=True)]
    with pytest.raises(LeakError, match="ConfigMap settings contains a secret"):
        differing(marked, marked)


def test_another_content_of_a_config_map_or_a_job_is_another_object() -> None:
    named = hashed_names(frozenset({("kubernetes:core/v1:ConfigMap", "ca")}))
    for kind in ("kubernetes:core/v1:ConfigMap", "kubernetes:batch/v1:Job"):
        one, same, other = (named(kind, "script", {"data": {"a": text}}) for text in ("1", "1", "2"))
        assert one == same != other
        assert re.fullmatch(r"script-[0-9a-f]{8}", one)
    assert named("kubernetes:core/v1:ConfigMap", "ca", {}) == "ca", "its content is not known here"
    assert named("kubernetes:apps/v1:Deployment", "server", {}) == "server"


@pytest.mark.parametrize("stack", STACKS)
def test_each_object_that_pulumi_would_create_is_in_the_files_or_beforehand(stack: str) -> None:
    def kinds(resource: Registered) -> bool:
        return resource.type.startswith("kubernetes:")

    found = rendered(stack)
    assert {(item.kind, item.resource) for item in (*found.items, *found.beforehand)} == {
        (resource.kind, resource.name) for resource in recorded(stack) if kinds(resource)
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_files_have_no_secret_and_none_of_its_stand_ins(stack: str) -> None:
    found = rendered(stack)
    text = json.dumps([item.manifest for item in found.items])
    assert "Secret" not in {item.kind for item in found.items}
    names = {resource.name for resource in recorded(stack) if resource.type.startswith("random:")}
    for draw in (StandIns(draw="first"), StandIns(draw="second")):
        hidden = [draw.secret(name) for name in SECRETS[stack]]
        for name in names:
            _, outputs = draw.of("random:index:RandomString", name, {"length": 20})
            hidden += [outputs["result"], outputs["result"].lower()]
        assert [value for value in hidden if value in text] == []


@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_a_pod_refers_to_is_there(stack: str) -> None:
    found = rendered(stack)
    there = {item.identity for item in (*found.items, *found.beforehand)}
    there |= {("Secret", *pair) for pair in found.existing}
    for item in found.items:
        text = json.dumps(item.manifest)
        for name in re.findall(r'"configMap": \{[^{}]*"name": "([^"]+)"', text):
            assert ("ConfigMap", item.identity[1], name) in there, item.identity
        for name in re.findall(r'"(?:secretName|serviceAccountName)": "([^"]+)"', text):
            assert {("Secret", item.identity[1], name), ("ServiceAccount", item.identity[1], name)} & there


def test_values_of_aws_resources_are_named_where_they_are_missing_and_used_where_they_are_given() -> None:
    without, given = rendered("prod"), rendered("prod", *AT_AWS)
    assert without.missing == tuple(name for name, _ in AT_AWS)
    assert given.missing == ()
    text = json.dumps([item.manifest for item in given.items])
    assert "${" not in text
    assert all(value in text for _, value in AT_AWS)
    assert any(resource.endswith("rds-instance") for resource in without.left_out)


def test_secrets_of_other_tools_are_listed() -> None:
    assert rendered("prod").existing == (("mlflow", "mlflow-tls"),)
    assert rendered("dev").existing == ()


def test_the_migration_runs_after_the_database_and_before_the_server() -> None:
    found = waves(rendered("dev"))
    assert found["postgres-server"] < found["migration-job"] < found["mlflow-server"] < found["gateway-ingress"]
    assert found["mlflow-network"] < found["mlflow-server"]


def test_an_object_that_exists_already_is_never_deleted() -> None:
    found = collected([registered("ServiceAccountPatch", "team-a"), registered("ServiceAccount", "team-b")], NONE)
    assert annotations(found, "team-a")["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    assert "argocd.argoproj.io/sync-options" not in annotations(found, "team-b")
