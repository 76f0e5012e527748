"""Values that providers compute: stand-ins for a run without engine, or those of a stack's state.

A stand-in of a secret differs from draw to draw. Whatever depends on a secret therefore differs between two runs.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

Json = dict[str, Any]
Created = tuple[str, Json]
# Outputs of AWS resources that the program hands to Kubernetes objects.
AWS_OUTPUTS = ("address", "arn", "bucket", "id", "keyId", "name", "secret")


class Values(Protocol):
    """Values that the providers of random and AWS compute."""

    def of(self, kind: str, name: str, inputs: Json) -> Created:
        """Id and outputs of the resource `name` of the type `kind`."""
        ...

    def secret(self, name: str) -> str:
        """A secret of the stack's configuration."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StandIns:
    """Stand-ins for secrets, and values of AWS resources from a file or as a placeholder."""

    draw: str
    """Another draw gives other stand-ins."""

    given: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values of AWS resources by `RESOURCE.OUTPUT`."""

    def of(self, kind: str, name: str, inputs: Json) -> Created:
        """Id and outputs of a resource."""
        if kind.startswith("aws:"):
            return self._at_aws(name, inputs)
        return _drawn(kind.rpartition(":")[2], hashlib.sha512(f"{self.draw} {name}".encode()).digest(), inputs)

    def secret(self, name: str) -> str:
        """A stand-in for a secret of the configuration."""
        return hashlib.sha256(f"{self.draw} {name}".encode()).hexdigest()

    def _at_aws(self, name: str, inputs: Json) -> Created:
        values = {output: self.given.get(f"{name}.{output}") or placeholder(name, output) for output in AWS_OUTPUTS}
        secret_arn = f"{name}.masterUserSecrets"
        arns = [{"secretArn": self.given.get(secret_arn) or placeholder(name, "masterUserSecrets")}]
        identity = values.pop("id")
        return identity, {
            **inputs,
            **{output: value for output, value in values.items() if output not in inputs and output != "secret"},
            "secret": pulumi.Output.secret(values["secret"]),
            "masterUserSecrets": arns,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Values of a stack's state and configuration; they are secret."""

    outputs: Mapping[str, Json] = field(repr=False)
    """Outputs of random and AWS resources by resource name."""

    secrets: Mapping[str, str] = field(repr=False)
    """Secrets of the configuration by name."""

    aws: StandIns
    """Values of AWS resources that the state does not have."""

    missing: set[str] = field(default_factory=set[str])
    """Names of the random resources that the state does not have; the run gets stand-ins, and must not be used."""

    def of(self, kind: str, name: str, inputs: Json) -> Created:
        """Id and outputs of a resource."""
        if (outputs := self.outputs.get(name)) is not None:
            hidden = {"result", "bcryptHash", "base64", "hex", "secret"}
            plain = {key: value for key, value in outputs.items() if key not in hidden}
            secret = {key: pulumi.Output.secret(value) for key, value in outputs.items() if key in hidden}
            return str(plain.get("id", "")), {**inputs, **plain, **secret}
        if not kind.startswith("aws:"):
            self.missing.add(name)
        return self.aws.of(kind, name, inputs)

    def secret(self, name: str) -> str:
        """A secret of the configuration."""
        return self.secrets[name]


def placeholder(name: str, output: str) -> str:
    """The text in place of a value of an AWS resource."""
    return f"${{{name}.{output}}}"


def _drawn(kind: str, digest: bytes, inputs: Json) -> Created:
    """Id and outputs of a random resource."""
    text = digest.hex() + digest.hex()
    match kind:
        case "RandomPassword":
            # A bcrypt hash has 22 characters of salt and 31 of the hash.
            secret = {"result": text[: int(inputs["length"])], "bcryptHash": f"$2a$10${text[:53]}"}
            return "none", {**inputs, **{key: pulumi.Output.secret(value) for key, value in secret.items()}}
        case "RandomString":
            # Half of an access key. It is no secret, but it has no place in a repository either.
            value = text[: int(inputs["length"])].upper()
            return value, {**inputs, "result": value}
        case "RandomBytes":
            secret = {"base64": base64.b64encode(digest).decode(), "hex": digest.hex()}
            return "none", {**inputs, **{key: pulumi.Output.secret(value) for key, value in secret.items()}}
        case _:
            raise TypeError(f"no stand-in for {kind} of the random provider: add it to {__name__}")
