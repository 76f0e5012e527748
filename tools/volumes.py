"""The platform's volumes around a deletion: keep them when their claims go, and name them afterwards.

`python -m tools.volumes retain NAMESPACE` before, `python -m tools.volumes list NAMESPACE` after.
"""

import sys
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

RETAIN = "Retain"


def retain(api: Any, namespace: str) -> list[str]:  # noqa: ANN401 - the package has no types
    """Keep every volume claimed in the namespace beyond its claim; returns the names of those changed."""
    changed: list[str] = []
    for volume in api.list_persistent_volume().items:
        claim = volume.spec.claim_ref
        if claim is None or claim.namespace != namespace or volume.spec.persistent_volume_reclaim_policy == RETAIN:
            continue
        api.patch_persistent_volume(volume.metadata.name, {"spec": {"persistentVolumeReclaimPolicy": RETAIN}})
        changed.append(volume.metadata.name)
    return changed


def left_behind(volumes: list[Any], namespace: str) -> list[str]:
    """One line for each volume whose claim in the namespace is gone: its name, its size and what it was claimed for."""
    return [
        f"{volume.metadata.name}  {volume.spec.capacity['storage']}  {claim.namespace}/{claim.name}"
        for volume in volumes
        if volume.status.phase == "Released"
        and (claim := volume.spec.claim_ref) is not None
        and claim.namespace == namespace
    ]


def main() -> None:
    """Do what the argument says."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    api = kubernetes.CoreV1Api()
    match sys.argv[1:]:
        case ["retain", namespace]:
            for name in retain(api, namespace):
                print(f"volume {name} is kept when its claim goes")
        case ["list", namespace]:
            lines = left_behind(api.list_persistent_volume().items, namespace)  # pyright: ignore[reportUnknownMemberType] - likewise
            if lines:
                print("these volumes keep their data (docs/destroy.md says how to use or delete them):")
            print("\n".join(f"  {line}" for line in lines) or "no volume is left")
        case _:
            sys.exit("usage: python -m tools.volumes retain|list NAMESPACE")


if __name__ == "__main__":
    main()
