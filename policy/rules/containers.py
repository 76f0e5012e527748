"""What every container says about itself: its size, its health, its version, and what it may write and read."""

from collections.abc import Iterator

from .pods import containers_of, pod_of
from .resource import Resource

# Names that mean another image tomorrow.
MOVING_TAGS = frozenset({"latest", "main", "master", "edge", "nightly", "stable"})


def sized(resource: Resource) -> Iterator[str]:
    """Containers request and limit CPU and memory."""
    for container in containers_of(resource):
        for bound in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if not container.spec.at(f"resources.{bound}.{what}").present:
                    yield f"{container.label}: resources.{bound}.{what} is missing: write down what it needs"


def probed(resource: Resource) -> Iterator[str]:
    """Containers that run for long have a readiness and a liveness probe."""
    for container in containers_of(resource):
        for probe in ("readinessProbe", "livenessProbe"):
            if container.long_running and not container.spec[probe].present:
                yield f"{container.label}: {probe} is missing: nobody would notice that it hangs"


def versioned(resource: Resource) -> Iterator[str]:
    """Images name a version or a digest."""
    for container in containers_of(resource):
        image = container.spec["image"]
        # The digest, where there is one, stands behind a colon as well.
        tag = image.text.rpartition("/")[2].partition(":")[2]
        if image.known and (not tag or tag in MOVING_TAGS):
            yield f"{container.label}: image `{image.text}` must name a version or a digest"


def read_only(resource: Resource) -> Iterator[str]:
    """Containers run on a read-only root file system."""
    for container in containers_of(resource):
        if not container.spec.at("securityContext.readOnlyRootFilesystem").may_be_true:
            yield (
                f"{container.label}: securityContext.readOnlyRootFilesystem must be true: "
                "mount a volume where it has to write"
            )


def without_token(resource: Resource) -> Iterator[str]:
    """Pods get a token for the API server only where one is mounted on purpose."""
    pod = pod_of(resource)
    if pod.present and not pod["automountServiceAccountToken"].may_be_false:
        yield "automountServiceAccountToken must be false: mount a projected token in the container that needs it"
