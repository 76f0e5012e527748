from dataclasses import replace
from typing import Any

import pytest
import yaml
from pulumi_policy import EnforcementLevel

from policy.rules import POLICIES
from tests.policy.judge import ABSENT, UNKNOWN, Asked, Path, as_asked, changed, judge
from tests.program.stacks import ROOT, SECRETS, STACKS, recorded, run, stack_file

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
ENFORCE = ("metadata", "labels", "pod-security.kubernetes.io/enforce")

# For each policy one way to break the program: the resource, the place, and what it says there instead.
BREAKS: list[tuple[str, str, Path, Any]] = [
    ("pods-are-restricted", "mlflow-server", f"{POD}.initContainers.0.securityContext.privileged", True),
    ("pods-are-restricted", "migration-job", f"{POD}.securityContext.runAsNonRoot", False),
    ("containers-are-sized", "mlflow-server", f"{CONTAINER}.resources.limits", ABSENT),
    ("containers-are-probed", "mlflow-server", f"{POD}.initContainers.0.livenessProbe", ABSENT),
    ("images-name-a-version", "mlflow-server", f"{CONTAINER}.image", "localhost/mlflow-platform/mlflow:latest"),
    ("root-file-systems-are-read-only", "mlflow-server", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False),
    ("api-tokens-are-mounted-on-purpose", "mlflow-server", f"{POD}.automountServiceAccountToken", True),
    ("secrets-stay-in-secrets", "migration-job", f"{CONTAINER}.env", [{"name": "PGPASSWORD", "value": "hunter2"}]),
    ("roles-are-narrow", "mlflow-role", "rules.0.verbs", ["*"]),
    ("bindings-name-their-subjects", "mlflow-binding", "subjects.0", {"kind": "Group", "name": "system:masters"}),
    ("services-are-internal", "mlflow-service", "spec.type", "LoadBalancer"),
    ("ingresses-are-encrypted", "gateway-ingress", "spec.tls", ABSENT),
    ("network-policies-name-their-peers", "mlflow-network", "spec.ingress.0.from", ABSENT),
    ("namespaces-are-closed", "platform-closed", "spec.policyTypes", ["Ingress"]),
    ("namespaces-are-restricted", "platform-namespace", ENFORCE, "baseline"),
]

# The same for what lies at AWS.
AT_AWS: list[tuple[str, str, Path, Any]] = [
    ("aws-is-closed", "bucket-versioning", "versioningConfiguration.status", "Suspended"),
    ("databases-are-durable", "rds-instance", "deletionProtection", False),
    (
        "rights-at-aws-are-least",
        "server-identity-policy",
        "policy",
        '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::artifacts"}}',
    ),
]


def broken(stack: str, name: str, path: Path, value: object) -> list[Asked]:
    """A recorded stack in which one resource says something else."""
    resources = as_asked(recorded(stack), stack)
    assert [found for found in resources if found.name == name], name
    return [
        replace(found, inputs=changed(found.inputs, path, value)) if found.name == name else found
        for found in resources
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_no_committed_stack_violates_the_pack(stack: str) -> None:
    assert judge(as_asked(recorded(stack), stack)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_with_webhooks_violates_the_pack(stack: str) -> None:
    server = {
        **stack_file(stack)["mlflow-platform:server"],
        "features": ["webhooks"],
        "webhookHosts": ["hooks.example.com"],
    }
    assert judge(as_asked(run(stack, secrets=SECRETS[stack], server=server), stack)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_no_rule_stops_at_what_a_preview_does_not_know(stack: str) -> None:
    resources = as_asked(recorded(stack, preview=True), stack)
    assert any(UNKNOWN in str(found.inputs) for found in resources)
    assert judge(resources) == []


@pytest.mark.parametrize(("policy", "name", "path", "value"), BREAKS)
def test_a_broken_program_violates_the_policy_it_breaks(policy: str, name: str, path: Path, value: object) -> None:
    for stack in STACKS:
        found = judge(broken(stack, name, path, value))
        assert found
        assert {sentence.partition(":")[0] for sentence in found} == {policy}


@pytest.mark.parametrize(("policy", "name", "path", "value"), AT_AWS)
def test_a_broken_program_at_aws_violates_the_policy_it_breaks(
    policy: str, name: str, path: Path, value: object
) -> None:
    found = judge(broken("prod", name, path, value))
    assert [sentence.partition(":")[0] for sentence in found] == [policy]


def test_a_bucket_that_lost_a_guard_violates_the_pack() -> None:
    bare = [found for found in as_asked(recorded("prod"), "prod") if found.name != "bucket-versioning"]
    assert [sentence.partition(":")[0] for sentence in judge(bare)] == ["buckets-are-guarded"]


def test_production_without_protection_violates_the_pack() -> None:
    bare = [replace(found, protect=False) for found in as_asked(recorded("prod"), "prod")]
    found = [sentence.partition(":")[0] for sentence in judge(bare)]
    # Three namespaces; instance, bucket and a key of each.
    assert found == ["data-is-protected"] * 3 + ["databases-are-durable"] * 4


def test_production_without_a_disruption_budget_violates_the_pack() -> None:
    bare = [found for found in as_asked(recorded("prod"), "prod") if not found.type.endswith("DisruptionBudget")]
    (found,) = judge(bare)
    assert found.startswith("replicas-survive-a-drain: ")


def test_production_with_its_replicas_wherever_violates_the_pack() -> None:
    found = judge(broken("prod", "mlflow-server", f"{POD}.topologySpreadConstraints", ABSENT))
    assert [sentence.partition(":")[0] for sentence in found] == ["replicas-are-spread"]


def test_a_program_without_providers_violates_the_pack() -> None:
    lost = [replace(found, provider=found.provider and "default_4_34_2") for found in as_asked(recorded("dev"), "dev")]
    assert {sentence.partition(":")[0] for sentence in judge(lost)} == {"providers-are-explicit"}


def test_every_policy_has_a_program_that_breaks_it() -> None:
    tested = {policy for policy, *_ in BREAKS}
    tested |= {policy for policy, *_ in AT_AWS} | {"buckets-are-guarded"}
    tested |= {"data-is-protected", "providers-are-explicit", "replicas-are-spread", "replicas-survive-a-drain"}
    assert tested == {policy.name for policy in POLICIES}


def test_every_policy_stops_a_deployment() -> None:
    assert {policy.enforcement_level for policy in POLICIES} == {EnforcementLevel.MANDATORY}


def test_every_policy_has_a_name_of_its_own() -> None:
    names = [policy.name for policy in POLICIES]
    assert len(names) == len(set(names))


def test_the_pack_is_one_that_the_engine_runs() -> None:
    pack = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert pack["runtime"]["name"] == "python"
    assert pack["version"].count(".") == 2
