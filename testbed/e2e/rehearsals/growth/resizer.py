"""A stand-in for the resizer of a CSI driver.

The embedded cluster's volumes are directories without a driver, and each is larger than any claim. `Resizer` makes a
volume seem as small as its claim, and then does what a driver's resizer does: it waits for a larger request, enlarges
the PersistentVolume, and writes the new capacity into the claim's status. Everything else is the cluster's own.
"""

import json
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from testbed.e2e import kube
from testbed.e2e.commands import wait_for

CLASS = "standard"
POLL_SECONDS = 1
SECONDS = 60


class Resizer(AbstractContextManager["Resizer"]):
    """Resizes one claim during the block; at the end the volume has its real size again."""

    def __init__(self, namespace: str, claim: str) -> None:
        self._namespace = namespace
        self._claim = claim
        self._volume = str(self.live()["spec"]["volumeName"])
        self._before = str(
            kube.objects("persistentvolumes", f"--field-selector=metadata.name={self._volume}")[0]["spec"]["capacity"][
                "storage"
            ]
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._resize, daemon=True)

    def __enter__(self) -> Self:
        size = self.requested
        self._enlarge(size)
        # The kubelet writes the volume's size into the claim by itself if the volume is the larger one.
        wait_for("the claim to have the size of its request", lambda: self._report(size), seconds=SECONDS)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._enlarge(self._before)

    def live(self) -> kube.Object:
        """The claim as it is in the cluster now."""
        return kube.one("persistentvolumeclaim", self._claim, self._namespace)

    @property
    def requested(self) -> str:
        """The size that the claim requests."""
        return str(self.live()["spec"]["resources"]["requests"]["storage"])

    @property
    def capacity(self) -> str:
        """The size that the claim has."""
        return str(self.live()["status"]["capacity"]["storage"])

    def _resize(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            size = self.requested
            if size != self.capacity:
                self._enlarge(size)
                self._report(size)

    def _enlarge(self, size: str) -> None:
        _merge({"spec": {"capacity": {"storage": size}}}, "persistentvolume", self._volume)

    def _report(self, size: str) -> bool:
        space = f"--namespace={self._namespace}"
        _merge(
            {"status": {"capacity": {"storage": size}}},
            "persistentvolumeclaim",
            self._claim,
            space,
            "--subresource=status",
        )
        return self.capacity == size


def allow_expansion(*, allowed: bool) -> None:
    """Set whether the StorageClass allows volumes to grow."""
    _merge({"allowVolumeExpansion": allowed}, "storageclass", CLASS)


def _merge(patch: kube.Object, *what: str) -> None:
    kube.kubectl("patch", *what, "--type=merge", f"--patch={json.dumps(patch)}")
