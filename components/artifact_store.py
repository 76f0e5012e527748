"""What the server needs to know of an S3 store, wherever it runs."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.networks import Flow


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactStore:
    """An existing bucket and a credential that reaches this bucket only."""

    bucket: str
    endpoint_url: str | None
    """None means AWS."""

    region: str

    credentials: k8s.core.v1.Secret
    """Holds `access-key-id` and `secret-access-key`."""

    flow: Flow
    """The way there, for the NetworkPolicies of whoever connects."""

    ready: pulumi.Resource
    """What must exist before somebody connects."""

    @property
    def uri(self) -> str:
        """Root of all artifacts; MLflow appends `workspaces/<namespace>/<experiment>`.

        The scheme is the image's own (images/mlflow/server): with `s3://` MLflow sends clients to the
        store itself, which they need not be able to reach.
        """
        return f"s3-proxied://{self.bucket}"
