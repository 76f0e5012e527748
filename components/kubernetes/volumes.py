"""Volumes of pods: PersistentVolumeClaims, emptyDir volumes, and files: of ConfigMaps, Secrets and service accounts."""

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes.pods import Attachment

core = k8s.core.v1

# Where Kubernetes' clients, MLflow's among them, look for a pod's token.
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path


def persistent_volume(
    name: str,
    path: str,
    *,
    storage: str,
    storage_class: str | None,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> tuple[core.PersistentVolumeClaim, Attachment]:
    """A PersistentVolumeClaim named after `name`, and its mount at `path`; only one node at a time can mount it."""
    claim = core.PersistentVolumeClaim(
        f"{name}-volume",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=namespace,
            # With volumeBindingMode WaitForFirstConsumer the claim is bound only once a pod uses it, and that pod's
            # workload waits for the claim.
            annotations={"pulumi.com/skipAwait": "true"},
        ),
        spec=_claim_spec(storage, storage_class),
        # A volume cannot change its class: another class would mean a new, empty volume.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["spec.storageClassName"])),
    )
    source = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim.metadata.name)
    return claim, Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path),),
        volumes=(core.VolumeArgs(name=name, persistent_volume_claim=source),),
    )


def claim_template(name: str, storage: str, storage_class: str | None) -> core.PersistentVolumeClaimArgs:
    """An entry `name` for a StatefulSet's `volumeClaimTemplates`."""
    return core.PersistentVolumeClaimArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(name=name), spec=_claim_spec(storage, storage_class)
    )


def claim_mount(name: str, path: str) -> Attachment:
    """A mount at `path` of a StatefulSet's volume claim template `name`; Kubernetes adds the volume to the pod."""
    return Attachment(mounts=(core.VolumeMountArgs(name=name, mount_path=path),))


def empty_dir(name: str, limit: str) -> core.VolumeArgs:
    """An emptyDir volume; its size limit `limit` is a Kubernetes quantity."""
    return core.VolumeArgs(name=name, empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=limit))


def scratch(name: str, path: str, limit: str) -> Attachment:
    """An empty, writable directory at `path`: an emptyDir volume and its mount."""
    return Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path),),
        volumes=(empty_dir(name, limit),),
    )


def ephemeral(name: str, path: str, storage: str, storage_class: str | None) -> Attachment:
    """An empty volume of a storage class at `path`, which is created and deleted with its pod."""
    template = core.PersistentVolumeClaimTemplateArgs(spec=_claim_spec(storage, storage_class))
    source = core.EphemeralVolumeSourceArgs(volume_claim_template=template)
    return Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path),),
        volumes=(core.VolumeArgs(name=name, ephemeral=source),),
    )


def tmp(limit: str) -> Attachment:
    """A writable /tmp in a container whose root file system is read-only."""
    return scratch("tmp", "/tmp", limit)  # noqa: S108 - a volume of the pod


def shared_memory(limit: str) -> Attachment:
    """A /dev/shm of the size `limit`; its content counts as memory of the container."""
    source = core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=limit)
    return Attachment(
        mounts=(core.VolumeMountArgs(name="shared-memory", mount_path="/dev/shm"),),  # noqa: S108 - a volume of the pod
        volumes=(core.VolumeArgs(name="shared-memory", empty_dir=source),),
    )


def config_map_files(name: str, config_map: pulumi.Input[str], path: str) -> Attachment:
    """The entries of a ConfigMap as read-only files in the directory `path`; `name` is the name of the volume."""
    return Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path, read_only=True),),
        volumes=(core.VolumeArgs(name=name, config_map=core.ConfigMapVolumeSourceArgs(name=config_map)),),
    )


def secret_files(name: str, secret: pulumi.Input[str], path: str) -> Attachment:
    """The entries of a Secret as read-only files in the directory `path`; `name` is the name of the volume."""
    source = core.SecretVolumeSourceArgs(secret_name=secret, default_mode=0o440)
    return Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=path, read_only=True),),
        volumes=(core.VolumeArgs(name=name, secret=source),),
    )


def token(name: str, folder: str, *, audience: str | None) -> Attachment:
    """The files of a service account, mounted in `folder`; an `audience` of None means the API server."""
    sources = [
        core.VolumeProjectionArgs(
            service_account_token=core.ServiceAccountTokenProjectionArgs(
                path="token", audience=audience, expiration_seconds=3607
            )
        ),
        core.VolumeProjectionArgs(
            config_map=core.ConfigMapProjectionArgs(
                name="kube-root-ca.crt", items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")]
            )
        ),
        core.VolumeProjectionArgs(
            downward_api=core.DownwardAPIProjectionArgs(
                items=[
                    core.DownwardAPIVolumeFileArgs(
                        path="namespace", field_ref=core.ObjectFieldSelectorArgs(field_path="metadata.namespace")
                    )
                ]
            )
        ),
    ]
    return Attachment(
        mounts=(core.VolumeMountArgs(name=name, mount_path=folder, read_only=True),),
        volumes=(core.VolumeArgs(name=name, projected=core.ProjectedVolumeSourceArgs(sources=sources)),),
    )


def _claim_spec(storage: str, storage_class: str | None) -> core.PersistentVolumeClaimSpecArgs:
    return core.PersistentVolumeClaimSpecArgs(
        access_modes=["ReadWriteOnce"],
        storage_class_name=storage_class,
        resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage}),
    )
