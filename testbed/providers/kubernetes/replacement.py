"""Which changes the real provider makes by replacing the object.

Everything else is sent as an update; the server refuses what it cannot change (422), in preview
and in `up`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.kinds import kind_of

if TYPE_CHECKING:
    from testbed.providers.kubernetes.settings import Settings
    from testbed.providers.values import Object

IDENTITY: Final = ("metadata.name", "metadata.namespace")

_SELECTOR: Final = ("spec.selector",)
_CONTAINER: Final = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_POD: Final = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)

_REPLACED_ON: Final[dict[str, tuple[str, ...]]] = {
    "apps/v1/Deployment": _SELECTOR,
    "apps/v1/DaemonSet": _SELECTOR,
    "apps/v1/StatefulSet": (
        *_SELECTOR,
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    "batch/v1/Job": (*_SELECTOR, "spec.completions", "spec.parallelism", "spec.template"),
    "v1/Pod": (
        *(f"spec.{field}" for field in _POD),
        *(f"spec.containers[*].{field}" for field in _CONTAINER),
        *(f"spec.initContainers[*].{field}" for field in _CONTAINER),
    ),
    "v1/Service": ("spec.clusterIP",),
    "v1/PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    "v1/PersistentVolume": tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    "v1/ResourceQuota": ("spec.scopes",),
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ("roleRef",),
    "rbac.authorization.k8s.io/v1/RoleBinding": ("roleRef",),
    "storage.k8s.io/v1/StorageClass": ("parameters", "provisioner"),
}


def replaced_on(obj: Object, settings: Settings) -> tuple[str, ...]:
    """Return the property paths below which every change is a replacement."""
    key = kind_of(obj).key
    immutable = obj.get("immutable") is True
    if key == "v1/ConfigMap":
        mutable = settings.mutable_config_maps and not immutable
        return IDENTITY if mutable else (*IDENTITY, "binaryData", "data")
    if key == "v1/Secret":
        mutable = settings.mutable_secrets and not immutable
        return (*IDENTITY, "type") if mutable else (*IDENTITY, "type", "stringData", "data")
    return (*IDENTITY, *_REPLACED_ON.get(key, ()))
