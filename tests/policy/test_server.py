from collections.abc import Generator

import grpc
import pytest
from pulumi.runtime.proto import analyzer_pb2

from policy.rules import RULES
from tests.policy.examples import WORKLOAD, deployment
from tests.policy.judge import UNKNOWN, Asked, changed
from tests.policy.server import Pack, running

PRIVILEGED = "spec.template.spec.containers.0.securityContext.privileged"
BROKEN = deployment(changed(WORKLOAD, PRIVILEGED, value=True))
RULE = "pods-are-restricted"
BUCKET = Asked(type="aws:s3/bucket:Bucket", inputs={}, name="files-bucket", protect=True)
EXCEPTION = {"resource": "example", "reason": "is replaced in summer", "until": "2999-12-31"}


@pytest.fixture(scope="module")
def started() -> Generator[Pack]:
    """The running pack; one process for all tests of this file."""
    with running() as pack:
        yield pack


@pytest.fixture
def pack(started: Pack) -> Pack:
    """The pack with the configuration that it has without a file."""
    started.configure({})
    return started


def test_the_engine_is_told_every_policy_with_its_level_and_its_parameters(pack: Pack) -> None:
    info = pack.info()
    assert info.name == "mlflow-platform"
    assert {policy.name: analyzer_pb2.EnforcementLevel.Name(policy.enforcementLevel) for policy in info.policies} == {
        rule.name: rule.level.name for rule in RULES
    }
    assert {policy.name: set(policy.configSchema.properties) for policy in info.policies} == {
        rule.name: {*rule.parameters, "exceptions"} for rule in RULES
    }
    assert all(policy.remediation_steps and policy.url for policy in info.policies)


def test_a_violation_stops_the_deployment_and_a_good_resource_passes(pack: Pack) -> None:
    assert pack.judge(deployment()) == []
    assert pack.judge(BROKEN) == [(RULE, analyzer_pb2.MANDATORY)]


def test_an_unknown_value_turns_no_violation_into_advice(pack: Pack) -> None:
    undecided = changed(WORKLOAD, "spec.template.spec.containers.0.image", UNKNOWN)
    assert pack.judge(deployment(undecided)) == []
    assert pack.judge(deployment(changed(undecided, PRIVILEGED, value=True))) == [(RULE, analyzer_pb2.MANDATORY)]


@pytest.mark.parametrize("entry", ["advisory", {"enforcementLevel": "advisory"}])
def test_a_file_may_turn_a_rule_into_advice(pack: Pack, entry: str | dict[str, str]) -> None:
    pack.configure({RULE: entry})
    assert pack.judge(BROKEN) == [(RULE, analyzer_pb2.ADVISORY)]


def test_a_file_may_disable_a_rule_and_ask_for_one_that_is_off(pack: Pack) -> None:
    pack.configure({RULE: "disabled", "images-are-pinned": "mandatory"})
    assert pack.judge(BROKEN) == [("images-are-pinned", analyzer_pb2.MANDATORY)]


def test_a_file_may_set_a_number_of_a_rule_about_the_stack(pack: Pack) -> None:
    rules = [{"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 7}}]
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    lifecycle = Asked(type=kind, inputs={"rules": rules}, name="files-lifecycle")
    rule = "buckets-keep-old-versions"
    assert rule not in dict(pack.judge_stack([BUCKET, lifecycle]))
    pack.configure({rule: {"minimumDays": 30}})
    assert (rule, analyzer_pb2.MANDATORY) in pack.judge_stack([BUCKET, lifecycle])


def test_an_exception_of_a_file_is_one_for_its_rule_alone(pack: Pack) -> None:
    pack.configure({RULE: {"exceptions": [EXCEPTION]}})
    unsized = changed(BROKEN.inputs, "spec.template.spec.containers.0.resources.limits.cpu", None)
    assert pack.judge(BROKEN) == []
    assert pack.judge(deployment(unsized)) == [("containers-are-sized", analyzer_pb2.MANDATORY)]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"disposableStack": ["dev"]}, "data-is-protected.disposableStack is unknown (did you mean disposableStacks?)"),
        ({"exceptions": [{**EXCEPTION, "reason": ""}]}, "data-is-protected.exceptions[0].reason must not be ``"),
    ],
)
def test_a_configuration_with_a_mistake_stops_the_deployment_with_a_sentence(
    pack: Pack, config: dict[str, object], sentence: str
) -> None:
    pack.configure({"data-is-protected": config})
    with pytest.raises(grpc.RpcError) as refused:
        pack.judge(deployment())
    assert sentence in str(refused.value)
