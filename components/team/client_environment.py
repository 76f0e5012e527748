"""Settings of a team's MLflow clients: a ConfigMap for `envFrom`, and one with a private CA certificate.

There is no Secret: a program authenticates with the token of its pod's service account, which Kubernetes renews.
"""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.names import DOMAIN, service_host

core = k8s.core.v1

# Name of both the service account and the ConfigMap, which a pod refers to.
NAME = "mlflow-client"
AUTHORITY = "mlflow-ca"


def in_cluster_url(namespace: str, path: str, domain: str = DOMAIN) -> str:
    """URL of the platform's Service, below `path`, for pods that do not trust the public URL's CA certificate.

    Requests to this URL pass through OAuth2-Proxy, like requests to the public URL. The scheme is plain HTTP, as in the
    ingress controller's connections to OAuth2-Proxy.
    """
    return f"http://{service_host('mlflow', namespace, domain)}{path}"


def environment(workspace: str | None, url: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Environment variables of an MLflow client in the team's namespace.

    `workspace` is None if MLflow runs without workspaces. No variable contains the path of a file, such as a CA
    certificate: such a variable would break clients in pods that do not mount the file.
    """
    if workspace is None:
        return {"MLFLOW_TRACKING_URI": url, "MLFLOW_TRACKING_AUTH": "kubernetes"}
    return {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_WORKSPACE": workspace,
        "MLFLOW_TRACKING_AUTH": "kubernetes-namespaced",
    }


def config_maps(
    name: str,
    namespace: pulumi.Input[str],
    variables: dict[str, pulumi.Input[str]],
    authority: pulumi.Output[str] | None,
    opts: pulumi.ResourceOptions,
) -> tuple[core.ConfigMap, ...]:
    """Create the ConfigMap `mlflow-client` with `variables`, and for a private CA `mlflow-ca` with its certificate."""
    settings = core.ConfigMap(
        f"{name}-client",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=NAME),
        data=variables,
        opts=opts,
    )
    if authority is None:
        return (settings,)
    certificate = core.ConfigMap(
        f"{name}-authority",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=AUTHORITY),
        data={"ca.crt": authority},
        opts=opts,
    )
    return settings, certificate
