"""Fake providers for tests: they accept every resource, and compute outputs as the real ones do."""

import base64
import hashlib
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks

# Part of every generated password: wherever it appears in plain text, a secret has leaked.
CANARY = "pw-canary-"
CLUSTER_SCOPED = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass"})
# The account id in AWS's documentation.
ACCOUNT = "123456789012"
CREATED = tuple[str | None, dict[str, Any]]


class Cloud(mocks.Mocks):
    """Fake providers of Kubernetes, random and AWS; a resource of any other provider fails the test."""

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview
        self.secret_values: set[str] = set()
        """Secret values that the providers returned."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Fail on an invoke, because a program with invokes depends on more than its configuration."""
        raise AssertionError(f"the program invoked {args.token}: pass the value in as an argument instead")

    def new_resource(self, args: mocks.MockResourceArgs) -> CREATED:
        """Create a resource, and return its id and outputs."""
        inputs = cast("dict[str, Any]", args.inputs)  # pyright: ignore[reportUnknownMemberType] - has no types
        identity, outputs = self._create(args.typ, args.name, inputs)
        # In a preview an id is not known yet.
        return ("" if self.preview and identity is not None else identity), outputs

    def _create(self, kind: str, name: str, inputs: dict[str, Any]) -> CREATED:
        package = kind.partition(":")[0]
        match package:
            case "kubernetes":
                return _object(kind.rpartition(":")[2], name, inputs)
            case "random":
                return self._draw(kind.rpartition(":")[2], name, inputs)
            case "aws":
                return _at_aws(kind.rpartition(":")[2], name, inputs, self)
            case "pulumi":
                return f"{name}-id", inputs
            case "mlflow-platform":
                return None, inputs
            case _:
                raise AssertionError(f"{name}: unknown provider {package}: add its outputs to tests/cloud.py")

    def _draw(self, kind: str, name: str, inputs: dict[str, Any]) -> CREATED:
        """Id and outputs of a random value, which depends only on the resource's name; unknown in a preview."""
        if self.preview:
            return "", inputs
        digest = hashlib.sha256(name.encode())
        match kind:
            case "RandomPassword":
                text = CANARY + digest.hexdigest()
                secrets = {"result": text[: int(inputs["length"])], "bcryptHash": f"$2a$10${text[:53]}"}
                identity = "none"
            case "RandomBytes":
                secrets = {"base64": base64.b64encode(digest.digest()).decode(), "hex": digest.hexdigest()}
                # As with the real provider, the id shows the value in the state.
                identity = secrets["base64"]
            case "RandomString":
                identity = digest.hexdigest()[: int(inputs["length"])].upper()
                return identity, {**inputs, "result": identity}
            case _:
                raise AssertionError(f"{name}: unknown resource {kind} of random: add its outputs to tests/cloud.py")
        self.secret_values |= set(secrets.values())
        return identity, {**inputs, **{key: pulumi.Output.secret(value) for key, value in secrets.items()}}


def autoname(name: str) -> str:
    """The name that the Kubernetes provider generates for an object without one."""
    return f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _object(kind: str, name: str, inputs: dict[str, Any]) -> CREATED:
    """Id and outputs of a Kubernetes object, as Check and Create of the provider return them."""
    metadata: dict[str, Any] = {"name": autoname(name), **inputs.get("metadata", {})}
    if kind in CLUSTER_SCOPED:
        return metadata["name"], {**inputs, "metadata": metadata}
    metadata.setdefault("namespace", "default")
    outputs = {**inputs, "metadata": metadata}
    if kind == "Service":
        outputs["spec"] = {"clusterIP": "10.96.0.20", **inputs["spec"]}
    return f"{metadata['namespace']}/{metadata['name']}", outputs


def administrator_secret(instance: str) -> str:
    """ARN of the secret that RDS creates for an instance's administrator; `instance` is the resource's name."""
    return f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:rds!db-{autoname(instance)}"


def _at_aws(kind: str, name: str, inputs: dict[str, Any], cloud: Cloud) -> CREATED:
    """Id and outputs of an AWS resource; in a preview, no id and only its inputs."""
    if cloud.preview:
        return "", inputs
    physical = autoname(name)
    computed: dict[str, Any] = {"name": physical, "arn": f"arn:aws:{kind.lower()}::{ACCOUNT}:{physical}"}
    match kind:
        case "AccessKey":
            secret = f"{CANARY}{physical}"
            cloud.secret_values.add(secret)
            return f"AKIA{physical.upper()}", {**inputs, "secret": pulumi.Output.secret(secret)}
        case "Bucket":
            computed = {
                "bucket": inputs.get("bucket", physical),
                "arn": f"arn:aws:s3:::{inputs.get('bucket', physical)}",
            }
        case "Instance":
            host = f"{physical}.abcdefghijkl.eu-central-1.rds.amazonaws.com"
            computed |= {"address": host, "masterUserSecrets": [{"secretArn": administrator_secret(name)}]}
        case _:
            pass
    return physical, {**computed, **inputs}
