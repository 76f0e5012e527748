"""A volume of one pod's: a claim, and its place in the container."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import pods

core = k8s.core.v1


def volume(
    name: str,
    path: str,
    *,
    storage: str,
    storage_class: str | None,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> tuple[core.PersistentVolumeClaim, pods.Attachment]:
    """A claim called after `name`, and what mounts it at `path`; one node at a time can have it."""
    claim = core.PersistentVolumeClaim(
        f"{name}-volume",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=namespace,
            # Where the class waits for the first pod, the claim is bound after everything that waits for the claim.
            annotations={"pulumi.com/skipAwait": "true"},
        ),
        spec=core.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            storage_class_name=storage_class,
            resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage}),
        ),
        # A volume stays in the class that it was made in: another class would be another, empty volume.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["spec.storageClassName"])),
    )
    return claim, pods.Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path),),
        volumes=(
            core.VolumeArgs(
                name=name,
                persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim.metadata.name),
            ),
        ),
    )
