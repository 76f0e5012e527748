"""The pack as the engine runs it: a program in its folder that is asked by gRPC."""

import subprocess
import sys
from collections.abc import Generator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy.rules import POLICIES
from tests.policy.examples import WORKLOAD, deployment
from tests.policy.judge import UNKNOWN, changed
from tests.program.stacks import ROOT

PRIVILEGED = "spec.template.spec.containers.0.securityContext.privileged"
SECONDS_TO_END = 10


class Pack:
    """The running pack."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub: Any = analyzer_pb2_grpc.AnalyzerStub(channel)

    def info(self) -> analyzer_pb2.AnalyzerInfo:
        """Name and policies of the pack."""
        return self._stub.GetAnalyzerInfo(empty_pb2.Empty())

    def judge(self, inputs: dict[str, Any]) -> list[tuple[str, int]]:
        """Names and levels of what it has to say about a Deployment."""
        properties, asked = struct_pb2.Struct(), deployment()
        properties.update(inputs)
        response: analyzer_pb2.AnalyzeResponse = self._stub.Analyze(
            analyzer_pb2.AnalyzeRequest(type=asked.type, properties=properties, urn=asked.urn, name=asked.name)
        )
        return [(found.policyName, found.enforcementLevel) for found in response.diagnostics]


@pytest.fixture(scope="module")
def pack() -> Generator[Pack]:
    """Started for the tests of this file, and ended after them."""
    # The address is the engine's, which a pack does not need.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."]
    with subprocess.Popen(command, cwd=ROOT / "policy", stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield Pack(channel)
        process.terminate()
        process.wait(SECONDS_TO_END)


def test_the_engine_is_told_every_policy_and_that_it_is_mandatory(pack: Pack) -> None:
    info = pack.info()
    assert info.name == "mlflow-platform"
    assert {policy.name: policy.enforcementLevel for policy in info.policies} == {
        policy.name: analyzer_pb2.MANDATORY for policy in POLICIES
    }


def test_a_violation_stops_the_deployment_and_a_good_resource_passes(pack: Pack) -> None:
    assert pack.judge(WORKLOAD) == []
    assert pack.judge(changed(WORKLOAD, PRIVILEGED, value=True)) == [("pods-are-restricted", analyzer_pb2.MANDATORY)]


def test_an_unknown_value_turns_no_violation_into_advice(pack: Pack) -> None:
    undecided = changed(WORKLOAD, "spec.template.spec.containers.0.image", UNKNOWN)
    assert pack.judge(undecided) == []
    broken = changed(undecided, PRIVILEGED, value=True)
    assert pack.judge(broken) == [("pods-are-restricted", analyzer_pb2.MANDATORY)]
