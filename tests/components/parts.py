"""Minimal inputs of components, and readers of what they registered."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.artifacts.artifact_store import ArtifactStore, key_environment, s3_environment
from components.database.database import Connection, Database
from components.exposure.certificate import Certificate
from components.exposure.gateway import Address
from components.exposure.ingress import IngressRoute
from components.kubernetes import networks, pods
from components.login.front import Bounds
from components.login.identity_provider import Oidc
from tests.harness import Recording, Registered

NAMESPACE = "mlflow"
HOST = "mlflow.example.com"
ADDRESS = Address(host=HOST)
AUTHORITY = "-----BEGIN CERTIFICATE-----"
CERTIFICATE = Certificate(secret_names={HOST: "mlflow-tls", "dex.example.com": "dex-tls"}, authority=None)
ROUTE = IngressRoute(
    namespace=NAMESPACE,
    ingress_class="traefik",
    controller=networks.IngressController(namespace="ingress"),
    annotations={"example.com/a": "b"},
    certificate=CERTIFICATE,
)
BOUNDS = Bounds(header_seconds=10, header_kibibytes=96, connections=500)
CLIENT = {"app.kubernetes.io/name": "client"}


def database() -> Database:
    """A database with passwords in the Secrets `owner` and `some-database`; ready once `database-is-up` exists."""
    return Database(
        owner=_connection("owner", "owner"),
        server=_connection("mlflow", "some-database"),
        flows=(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[5432]),),
        ready=(k8s.core.v1.ConfigMap("database-is-up"),),
    )


def _connection(role: str, secret: str) -> Connection:
    password = k8s.core.v1.Secret(secret, metadata={"name": secret, "namespace": NAMESPACE})
    return Connection(
        uri=f"postgresql+psycopg://{role}@db.example.com:5432/mlflow?sslmode=require",
        attachment=pods.Attachment(env=(pods.secret_env("PGPASSWORD", password, "password"),)),
        role=role,
    )


def artifact_store(endpoint_url: str | None = None) -> ArtifactStore:
    """An artifact store whose access key is in the Secret `some-store`; ready once `store-is-up` exists."""
    credentials = k8s.core.v1.Secret("some-store", metadata={"name": "some-store", "namespace": NAMESPACE})
    return ArtifactStore(
        uri="s3-proxied://artifacts",
        attachment=pods.Attachment(
            env=(*s3_environment(region="eu-central-1", endpoint_url=endpoint_url), *key_environment(credentials))
        ),
        flows=(networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[443]),),
        ready=(k8s.core.v1.ConfigMap("store-is-up"),),
    )


def oidc(audiences: tuple[str, ...] = ()) -> Oidc:
    """A company's identity provider."""
    return Oidc(
        issuer="https://login.example.com",
        client_id="platform",
        client_secret=pulumi.Output.secret("hunter2"),
        audiences=audiences,
    )


def service() -> k8s.core.v1.Service:
    """A Service called `some-service`."""
    return k8s.core.v1.Service(
        "some-service", metadata={"name": "some-service", "namespace": NAMESPACE}, spec={"ports": [{"port": 80}]}
    )


def pod(got: Recording, name: str) -> dict[str, Any]:
    """The pod specification of a workload."""
    return got[name].inputs["spec"]["template"]["spec"]


def container(got: Recording, name: str) -> dict[str, Any]:
    """The one ordinary container of a workload."""
    (spec,) = pod(got, name)["containers"]
    return spec


def environment(spec: dict[str, Any]) -> dict[str, Any]:
    """A container's environment variables; `secret/key` for those from a Secret, the path for those from the pod."""
    return {entry["name"]: entry["value"] if "value" in entry else _reference(entry) for entry in spec["env"]}


def _reference(entry: dict[str, Any]) -> str:
    source = entry["valueFrom"]
    if "fieldRef" in source:
        return source["fieldRef"]["fieldPath"]
    reference = source["secretKeyRef"]
    return f"{reference['name']}/{reference['key']}"


def attached(attachment: pods.Attachment) -> dict[str, Any]:
    """The environment variables of an attachment, in the same form; names of Secrets are outputs."""
    given: dict[str, Any] = {}
    for entry in attachment.env:
        source: Any = entry.value_from
        reference = None if source is None else source.secret_key_ref
        given[str(entry.name)] = (
            entry.value if reference is None else pulumi.Output.concat(reference.name, "/", reference.key)
        )
    return given


def opened(policy: Registered) -> tuple[list[Any], list[Any]]:
    """Ingress and egress rules of a NetworkPolicy, which has to have both policy types."""
    spec = policy.inputs["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    return spec.get("ingress", []), spec.get("egress", [])
