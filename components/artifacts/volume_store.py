"""Artifacts on a volume of the server's pod, for a quick evaluation. Only one pod at a time can use the volume."""

from dataclasses import dataclass

import pulumi

from components.artifacts.artifact_store import ArtifactStore
from components.kubernetes.volumes import persistent_volume


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeStoreArgs:
    """Input of `VolumeStore`."""

    namespace: pulumi.Input[str]
    storage: str
    """Size of the volume, as a Kubernetes quantity."""

    storage_class: str | None = None
    """None means the cluster's default storage class."""


class VolumeStore(pulumi.ComponentResource):
    """A PersistentVolumeClaim for artifacts; clients read and write the artifacts through the MLflow server."""

    artifact_store: ArtifactStore

    def __init__(self, name: str, args: VolumeStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:VolumeStore", name, None, opts)
        claim, attachment = persistent_volume(
            name,
            "/mlflow/artifacts",
            storage=args.storage,
            storage_class=args.storage_class,
            namespace=args.namespace,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.artifact_store = ArtifactStore(
            uri="file:///mlflow/artifacts", attachment=attachment, flows=(), ready=(claim,), exclusive=True
        )
        self.register_outputs({})
