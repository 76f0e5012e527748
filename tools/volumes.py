"""Keep the platform's PersistentVolumes when the platform is deleted, and list them afterwards.

Run `python -m tools.volumes retain NAMESPACE` before the deletion, `python -m tools.volumes list NAMESPACE` after it.
"""

import sys
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

RETAIN = "Retain"


def retain(api: Any, namespace: str) -> list[str]:  # noqa: ANN401 - the package has no types
    """Set the reclaim policy Retain on the volumes of all claims in a namespace; returns the changed volumes' names."""
    changed: list[str] = []
    for volume in api.list_persistent_volume().items:
        claim = volume.spec.claim_ref
        if claim is None or claim.namespace != namespace or volume.spec.persistent_volume_reclaim_policy == RETAIN:
            continue
        api.patch_persistent_volume(volume.metadata.name, {"spec": {"persistentVolumeReclaimPolicy": RETAIN}})
        changed.append(volume.metadata.name)
    return changed


def left_behind(volumes: list[Any], namespace: str) -> list[str]:
    """One line for each volume whose claim in the namespace was deleted: name, size and deleted claim."""
    return [
        f"{volume.metadata.name}  {volume.spec.capacity['storage']}  {claim.namespace}/{claim.name}"
        for volume in volumes
        if volume.status.phase == "Released"
        and (claim := volume.spec.claim_ref) is not None
        and claim.namespace == namespace
    ]


def main() -> None:
    """Run the subcommand `retain` or `list`, as the arguments say."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    api = kubernetes.CoreV1Api()
    match sys.argv[1:]:
        case ["retain", namespace]:
            for name in retain(api, namespace):
                print(f"PersistentVolume {name} will be kept when its PersistentVolumeClaim is deleted")
        case ["list", namespace]:
            lines = left_behind(api.list_persistent_volume().items, namespace)  # pyright: ignore[reportUnknownMemberType] - likewise
            if lines:
                print("these PersistentVolumes still have their data (see docs/destroy.md to use or delete them):")
            print("\n".join(f"  {line}" for line in lines) or "no PersistentVolumes are left")
        case _:
            sys.exit("usage: python -m tools.volumes retain|list NAMESPACE")


if __name__ == "__main__":
    main()
