"""The providers of a test: they create whatever they are asked for and compute what the real ones would."""

import base64
import hashlib
from typing import Any, cast

import pulumi
from pulumi.runtime import mocks

# In every password that is drawn: where it shows up in the clear, a secret has leaked.
CANARY = "pw-canary-"
CLUSTER_SCOPED = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass"})
# Of the account that documents at AWS use.
ACCOUNT = "123456789012"
CREATED = tuple[str | None, dict[str, Any]]


class Cloud(mocks.Mocks):
    """Kubernetes, random and AWS; anything else is a fault of the test."""

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview
        self.secret_values: set[str] = set()
        """What the providers handed out as secrets."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Refuse: a program that looks things up depends on more than its configuration."""
        raise AssertionError(f"the program invoked {args.token}, which no test expects: pass the value in instead")

    def new_resource(self, args: mocks.MockResourceArgs) -> CREATED:
        """Physical id and outputs of a new resource."""
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
                raise AssertionError(f"{name}: no test knows the provider {package}: add what it computes here")

    def _draw(self, kind: str, name: str, inputs: dict[str, Any]) -> CREATED:
        """Not at random: the name decides. In a preview nothing is drawn yet."""
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
                # The real provider does so too: the id shows the value to whoever reads the state.
                identity = secrets["base64"]
            case "RandomString":
                identity = digest.hexdigest()[: int(inputs["length"])].upper()
                return identity, {**inputs, "result": identity}
            case _:
                raise AssertionError(f"{name}: no test knows random's {kind}: add what it computes here")
        self.secret_values |= set(secrets.values())
        return identity, {**inputs, **{key: pulumi.Output.secret(value) for key, value in secrets.items()}}


def autoname(name: str) -> str:
    """The name that Kubernetes' provider gives an object that has none."""
    return f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _object(kind: str, name: str, inputs: dict[str, Any]) -> CREATED:
    """What Check and Create of the Kubernetes provider add to an object."""
    metadata: dict[str, Any] = {"name": autoname(name), **inputs.get("metadata", {})}
    if kind in CLUSTER_SCOPED:
        return metadata["name"], {**inputs, "metadata": metadata}
    metadata.setdefault("namespace", "default")
    outputs = {**inputs, "metadata": metadata}
    if kind == "Service":
        outputs["spec"] = {"clusterIP": "10.96.0.20", **inputs["spec"]}
    return f"{metadata['namespace']}/{metadata['name']}", outputs


def administrator_secret(instance: str) -> str:
    """ARN of the secret that RDS makes for an instance's administrator, by the instance's name in the program."""
    return f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:rds!db-{autoname(instance)}"


def _at_aws(kind: str, name: str, inputs: dict[str, Any], cloud: Cloud) -> CREATED:
    """What AWS computes of the resources that the platform makes; in a preview nothing."""
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
