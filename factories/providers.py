"""What talks to the cluster, and to AWS where something is there."""

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from settings import Settings


def providers(settings: Settings) -> list[pulumi.ProviderResource]:
    """One of each package; that of AWS works in one account only, and tags what it makes."""
    # An empty kubeconfig means the usual places at the time of each run. Left out, the SDK would write the path of
    # $KUBECONFIG into the state, and the next machine has another one.
    made: list[pulumi.ProviderResource] = [
        k8s.Provider("cluster", kubeconfig="", context=settings.cluster.context),
        random.Provider("random"),
    ]
    if settings.aws is not None:
        import pulumi_aws as aws  # noqa: PLC0415 - takes seconds to load

        made.append(
            aws.Provider(
                "aws",
                region=settings.aws.region,
                allowed_account_ids=[settings.aws.account_id],
                default_tags={"tags": {"mlflow-platform": settings.host, **settings.aws.tags}},
            )
        )
    return made
