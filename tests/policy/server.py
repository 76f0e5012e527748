"""The policy pack as the engine runs it: a program in the pack's folder, called by gRPC."""

import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.policy.judge import Asked, Configuration
from tests.program.stacks import ROOT

SECONDS_TO_END = 10

Found = list[tuple[str, int]]
"""Names and levels of the violations that the pack reports."""


class Pack:
    """The running pack."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub: Any = analyzer_pb2_grpc.AnalyzerStub(channel)

    def info(self) -> analyzer_pb2.AnalyzerInfo:
        """Name and policies of the pack."""
        return self._stub.GetAnalyzerInfo(empty_pb2.Empty())

    def configure(self, configuration: Configuration) -> None:
        """Send the configuration in a file, completed with the defaults of all rules as by the engine."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for policy in self.info().policies:
            entry = configuration.get(policy.name, {})
            config = dict(entry) if isinstance(entry, Mapping) else {"enforcementLevel": entry}
            level = config.pop("enforcementLevel", None)
            request.policyConfig[policy.name].enforcementLevel = (
                analyzer_pb2.EnforcementLevel.Value(level.upper()) if level else policy.enforcementLevel
            )
            request.policyConfig[policy.name].properties.update(config)
        self._stub.Configure(request)

    def judge(self, asked: Asked) -> Found:
        """Let the pack check one resource."""
        request = analyzer_pb2.AnalyzeRequest(
            type=asked.type,
            properties=_struct(asked),
            urn=asked.urn,
            name=asked.name,
            options=analyzer_pb2.AnalyzerResourceOptions(protect=asked.protect),
            provider=None if asked.provider is None else analyzer_pb2.AnalyzerProviderResource(name=asked.provider),
        )
        return _found(self._stub.Analyze(request))

    def judge_stack(self, asked: Sequence[Asked]) -> Found:
        """Let the pack check all resources together."""
        resources = [
            analyzer_pb2.AnalyzerResource(type=one.type, properties=_struct(one), urn=one.urn, name=one.name)
            for one in asked
        ]
        return _found(self._stub.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources)))


@contextmanager
def running() -> Generator[Pack]:
    """Run the pack while the block lasts."""
    # The address is the engine's, which a pack does not need.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."]
    with subprocess.Popen(command, cwd=ROOT / "policy", stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield Pack(channel)
        process.terminate()
        process.wait(SECONDS_TO_END)


def _struct(asked: Asked) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(asked.inputs)
    return properties


def _found(response: analyzer_pb2.AnalyzeResponse) -> Found:
    return [(found.policyName, found.enforcementLevel) for found in response.diagnostics]
