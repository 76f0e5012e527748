"""Keep the platform's volumes when the platform is deleted, and list them afterwards.

`python -m tools.volumes retain NAMESPACE` before, `python -m tools.volumes list NAMESPACE` after the deletion.
"""

import sys
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

RETAIN = "Retain"


def retain(api: Any, namespace: str) -> list[str]:  # noqa: ANN401 - the package has no types
    """Set the reclaim policy of all volumes claimed in the namespace to Retain; returns the changed volumes' names."""
    changed: list[str] = []
    for volume in api.list_persistent_volume().items:
        claim = volume.spec.claim_ref
        if claim is None or claim.namespace != namespace or volume.spec.persistent_volume_reclaim_policy == RETAIN:
            continue
        api.patch_persistent_volume(volume.metadata.name, {"spec": {"persistentVolumeReclaimPolicy": RETAIN}})
        changed.append(volume.metadata.name)
    return changed


def left_behind(volumes: list[Any], namespace: str) -> list[str]:
    """One line with name, size and claim for each volume whose claim in the namespace was deleted."""
    return [
        f"{volume.metadata.name}  {volume.spec.capacity['storage']}  {claim.namespace}/{claim.name}"
        for volume in volumes
        if volume.status.phase == "Released"
        and (claim := volume.spec.claim_ref) is not None
        and claim.namespace == namespace
    ]


def main() -> None:
    """Run the command in the arguments."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    api = kubernetes.CoreV1Api()
    match sys.argv[1:]:
        case ["retain", namespace]:
            for name in retain(api, namespace):
                print(f"volume {name} will be kept when its claim is deleted")
        case ["list", namespace]:
            lines = left_behind(api.list_persistent_volume().items, namespace)  # pyright: ignore[reportUnknownMemberType] - likewise
            if lines:
                print("these volumes keep their data (see docs/destroy.md to use or delete them):")
            print("\n".join(f"  {line}" for line in lines) or "no volumes are left")
        case _:
            sys.exit("usage: python -m tools.volumes retain|list NAMESPACE")


if __name__ == "__main__":
    main()
