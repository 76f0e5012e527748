"""A volume that can be filled: during a measurement, its content is on a separate small file system.

The embedded cluster's own volumes are folders on the machine's disk, which tests must not fill.
"""

import contextlib
from collections.abc import Generator

from testbed.e2e import kube
from testbed.e2e.commands import run, wait_for

START_SECONDS = 300
COPY_SECONDS = 300
# Free space before the volume is filled, in MiB: enough for the start of PostgreSQL and of the store.
FREE_MEBIBYTES = 200
FILLER = "filler-of-the-outage"


@contextlib.contextmanager
def small_volume(component: str, namespace: str) -> Generator[None]:
    """Put the volume of a StatefulSet with one pod on a small file system during the block.

    The pod is stopped twice, to move the content there and back. What the pod writes during the block is kept.

    Raises:
        AssertionError: a step failed. The content is in the volume's folder in the node, or beside it in `*-kept`.
    """
    path = path_of(component, namespace)
    kept = f"{path}-kept"
    with _scaled_down(component, namespace):
        size = int(_in_node("du", "--summarize", "--block-size=1M", path).split()[0]) + FREE_MEBIBYTES
        _in_node("cp", "--archive", path, kept)
        _in_node("mount", "--types=tmpfs", f"--options=size={size}m", "tmpfs", path)
        _in_node("cp", "--archive", "--no-target-directory", kept, path)
    try:
        yield
    finally:
        with _scaled_down(component, namespace):
            _in_node("rm", "--recursive", kept)
            _in_node("cp", "--archive", path, kept)
            _in_node("umount", path)
            _in_node("find", path, "-mindepth", "1", "-delete")
            _in_node("cp", "--archive", "--no-target-directory", kept, path)
            _in_node("rm", "--recursive", kept)


@contextlib.contextmanager
def filled(path: str) -> Generator[None]:
    """Fill a file system completely during the block."""
    filler = f"{path}/{FILLER}"
    # It ends when no byte is left.
    _in_node("sh", "-c", f"cat /dev/zero > '{filler}' || true")
    try:
        yield
    finally:
        _in_node("rm", "--force", filler)


def path_of(component: str, namespace: str) -> str:
    """Folder of the volume of a StatefulSet's first pod, in the node."""
    pod = kube.one("pod", f"{component}-0", namespace)
    (claim,) = [
        one["persistentVolumeClaim"]["claimName"] for one in pod["spec"]["volumes"] if "persistentVolumeClaim" in one
    ]
    volume = kube.one("persistentvolumeclaim", claim, namespace)["spec"]["volumeName"]
    return kube.one("persistentvolume", volume, namespace)["spec"]["local"]["path"]


@contextlib.contextmanager
def _scaled_down(component: str, namespace: str) -> Generator[None]:
    """Scale a StatefulSet to no pod during the block."""
    scale = ("scale", f"statefulset/{component}", f"--namespace={namespace}")
    selector = f"--selector=app.kubernetes.io/name={component}"
    kube.kubectl(*scale, "--replicas=0")
    wait_for(
        f"no pod of {component}",
        lambda: not kube.objects("pods", f"--namespace={namespace}", selector),
        seconds=START_SECONDS,
    )
    yield
    kube.kubectl(*scale, "--replicas=1")
    kube.wait_until_ready(component, namespace, seconds=START_SECONDS)


def _in_node(*command: str) -> str:
    """Run a command with the mounts of the node; returns its output."""
    (kubelet,) = run("pgrep", "--exact", "kubelet").stdout.split()
    return run("nsenter", f"--target={kubelet}", "--mount", "--", *command, seconds=COPY_SECONDS).stdout
