"""`Mutation`: a stack in which one resource differs from what the program registers."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.harness import PROJECT, Recording
from tests.policy.judge import Asked, Configuration, Path, as_asked, changed
from tests.program.stacks import SECRETS, STACKS, recorded, run, run_document, stack_file

DIGEST = f"@sha256:{'0' * 64}"
# `dev` with the Gateway API, `prod` with digests, and `prod` without AWS.
VARIANTS = ("gateway", "pinned", "in-cluster")
GATEWAY = {"kind": "http-route", "className": "traefik", "port": 8443}


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A change to one resource that the program registers for a stack."""

    rule: str
    """The only rule that catches it."""

    stack: str
    name: str
    path: Path = ""
    """The path of the changed input; empty if only options change, or the resource is removed."""

    value: Any = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Changed fields of `Asked`."""

    gone: bool = False
    configuration: Configuration = field(default_factory=dict[str, str | Mapping[str, Any]])
    """Policy configuration that the rule needs to find the violation; the unchanged stack complies with it."""

    decided_by: tuple[str, ...] = ()
    """Further paths in the violating resource that must be known to decide whether the rule is broken."""

    def __str__(self) -> str:
        """For the name of a test."""
        return f"{self.rule}, {self.stack}, {self.name}"

    def apply(self, resources: list[Asked]) -> list[Asked]:
        """The stack with the mutation."""
        assert [found for found in resources if found.name == self.name], self.name
        if self.gone:
            return [found for found in resources if found.name != self.name]
        return [self._changed(found) if found.name == self.name else found for found in resources]

    def _changed(self, found: Asked) -> Asked:
        inputs = changed(found.inputs, self.path, self.value) if self.path else found.inputs
        return replace(found, inputs=inputs, **self.options)


def in_cluster(*, preview: bool = False, **changes: object) -> Recording:
    """Recording of `prod` with database and store in the cluster, and with changed sections."""
    prefix = f"{PROJECT}:"
    given = {key.removeprefix(prefix): value for key, value in stack_file("prod").items() if key.startswith(prefix)}
    del given["aws"]
    document = {**given, "database": {"kind": "in-cluster"}, "artifacts": {"kind": "in-cluster"}, **changes}
    return run_document(document, stack="prod", secrets=SECRETS["prod"], preview=preview)


@functools.cache
def stack(name: str) -> tuple[Asked, ...]:
    """The resources of a stack of `VARIANTS`, or of a committed one."""
    if name in STACKS:
        return tuple(as_asked(recorded(name), name))
    if name == "in-cluster":
        return tuple(as_asked(in_cluster(), "prod"))
    if name == "gateway":
        return tuple(as_asked(run("dev", secrets=SECRETS["dev"], gateway=GATEWAY), "dev"))
    assert name == "pinned"
    server = stack_file("prod")[f"{PROJECT}:server"]
    others = {"oauth2Proxy": "quay.io/oauth2-proxy/oauth2-proxy:v7.15.6", "haproxy": "docker.io/library/haproxy:3.0"}
    server = {**server, "image": f"{server['image']}{DIGEST}"}
    images = {key: f"{image}{DIGEST}" for key, image in others.items()}
    return tuple(as_asked(run("prod", secrets=SECRETS["prod"], server=server, images=images), "prod"))
