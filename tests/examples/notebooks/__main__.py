"""A notebook hub in a closed namespace, with a PostgreSQL beside it: a program that uses components of the platform."""

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from mlflow_platform.components.database.postgres import Postgres, PostgresArgs
from mlflow_platform.components.kubernetes import networks, pods
from mlflow_platform.components.kubernetes.namespace import PlatformNamespace, PlatformNamespaceArgs

HUB = {"app": "hub"}
# The cluster of this program's own choice: components use the providers that they are given.
cluster = k8s.Provider("notebooks", context="notebooks")
providers = pulumi.ResourceOptions(providers=[cluster, random.Provider("passwords")])

place = PlatformNamespace("hub", PlatformNamespaceArgs(name="notebooks", durable=True), providers)
postgres = Postgres(
    "hub-database",
    PostgresArgs(
        namespace=place.namespace,
        image="docker.io/library/postgres:17-trixie",
        storage="5Gi",
        max_connections=50,
        shared_mebibytes=128,
        memory_limit="512Mi",
        clients=(HUB,),
        durable=True,
    ),
    providers,
)
database = postgres.database

# The hub's side of the connection: the namespace is closed.
networks.open_flows(
    "hub", place.namespace, to_pods=HUB, egress=database.flows, opts=pulumi.ResourceOptions(provider=cluster)
)
hub = k8s.core.v1.ContainerArgs(
    name="hub",
    image="registry.example.com/notebooks/hub:6.1.1",
    args=["--db-url", database.owner.uri],
    resources=pods.Resources(cpu="100m", memory="256Mi", cpu_limit="1", memory_limit="512Mi").to_args(),
    readiness_probe=pods.http_probe("/hub/health", 8081, period=10, failures=3),
    liveness_probe=pods.http_probe("/hub/health", 8081, period=30, failures=5),
)
k8s.apps.v1.Deployment(
    "hub-server",
    metadata={"namespace": place.namespace, "labels": HUB},
    spec=k8s.apps.v1.DeploymentSpecArgs(
        selector=k8s.meta.v1.LabelSelectorArgs(match_labels=HUB),
        template=k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=HUB),
            spec=pods.hardened_pod(1000, hub, database.owner.attachment, pull_secrets=()),
        ),
    ),
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[*database.ready]),
)
pulumi.export("namespace", place.namespace)
