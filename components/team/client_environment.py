"""What a team's programs are given: an environment for `envFrom`, and the authority that they may have to trust.

There is no Secret: a program is who its pod's service account is, and Kubernetes renews the token.
"""

import pulumi
import pulumi_kubernetes as k8s

core = k8s.core.v1

# Of the service account and of the ConfigMap alike: what a pod has to name.
NAME = "mlflow-client"
AUTHORITY = "mlflow-ca"


def in_cluster_url(namespace: str, path: str) -> str:
    """URL of the platform, which is below a path of its host, for pods that do not know the public one's authority.

    It leads to the login, as the ingress does, and is as little encrypted as the way from there.
    """
    return f"http://mlflow.{namespace}.svc.cluster.local{path}"


def environment(workspace: str | None, url: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Environment of an MLflow client in the team's namespace; a `workspace` of None is for a server without any.

    Every value holds in any pod as it is: a variable that names a file would break clients without the volume.
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
) -> None:
    """ConfigMap `mlflow-client` with the variables, and `mlflow-ca` with a private authority for https from pods."""
    core.ConfigMap(
        f"{name}-client",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=NAME),
        data=variables,
        opts=opts,
    )
    if authority is not None:
        core.ConfigMap(
            f"{name}-authority",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=namespace, name=AUTHORITY),
            data={"ca.crt": authority},
            opts=opts,
        )
