"""A program that has nothing to do with this project: a web shop, as somebody in a hurry writes it."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s


def program() -> None:
    """A namespace with a shop, its load balancer and its roles; a bucket for pictures."""
    cluster = pulumi.ResourceOptions(provider=k8s.Provider("shop-cluster", kubeconfig="{}"))
    namespace = k8s.core.v1.Namespace("shop", metadata={"name": "shop"}, opts=cluster)
    labels = {"app": "shop"}
    k8s.apps.v1.Deployment(
        "shop-web",
        metadata={"namespace": namespace.metadata.name},
        spec={
            "replicas": 3,
            "selector": {"match_labels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "image": "shop/web",
                            "env": [
                                {"name": "DATABASE", "value": "postgresql://shop@db.example.com/shop"},
                                {"name": "SESSION_SECRET", "value": "hunter2"},
                            ],
                        }
                    ]
                },
            },
        },
        opts=cluster,
    )
    k8s.core.v1.Service(
        "shop-service",
        metadata={"namespace": namespace.metadata.name},
        spec={"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]},
        opts=cluster,
    )
    k8s.apiextensions.CustomResource(
        "shop-gateway",
        api_version="gateway.networking.k8s.io/v1",
        kind="Gateway",
        metadata={"namespace": namespace.metadata.name},
        spec={"listeners": [{"name": "web", "protocol": "HTTP", "port": 80}]},
        opts=cluster,
    )
    k8s.rbac.v1.Role(
        "shop-role",
        metadata={"namespace": namespace.metadata.name},
        rules=[{"api_groups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        opts=cluster,
    )
    # Without a provider of its own.
    aws.s3.Bucket("pictures-bucket")
