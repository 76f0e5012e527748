"""A shop's namespace with an old load balancer: a program that the policy pack judges with a file of its own."""

import pulumi
import pulumi_kubernetes as k8s

# Writes the objects as files, so that anybody can preview the program.
files = k8s.Provider("files", render_yaml_to_directory="rendered")
shop = k8s.meta.v1.ObjectMetaArgs(namespace="shop")
opts = pulumi.ResourceOptions(provider=files)
namespace = k8s.core.v1.Namespace(
    "shop",
    metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    opts=opts,
)
inside = pulumi.ResourceOptions(provider=files, depends_on=[namespace])
k8s.networking.v1.NetworkPolicy(
    "shop-closed",
    metadata=shop,
    spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
    opts=inside,
)
k8s.core.v1.ResourceQuota(
    "shop-quota", metadata=shop, spec={"hard": {"limits.cpu": "8", "limits.memory": "16Gi"}}, opts=inside
)
k8s.core.v1.Service(
    "legacy-web",
    metadata=shop,
    spec={"type": "LoadBalancer", "selector": {"app": "shop"}, "ports": [{"port": 80}]},
    opts=inside,
)
