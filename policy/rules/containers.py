"""Rules for containers: resources, probes, image versions, file systems and API tokens."""

from collections.abc import Iterator

from .pods import containers_of, pod_of
from .resource import Resource

# Tags that can point to another image later.
MOVING_TAGS = frozenset({"latest", "main", "master", "edge", "nightly", "stable"})


def sized(resource: Resource) -> Iterator[str]:
    """Containers have CPU and memory requests and limits."""
    for container in containers_of(resource):
        for bound in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if not container.spec.at(f"resources.{bound}.{what}").present:
                    yield f"{container.label}: resources.{bound}.{what} is missing: set it to what the container needs"


def probed(resource: Resource) -> Iterator[str]:
    """Long-running containers have a readiness and a liveness probe."""
    for container in containers_of(resource):
        for probe in ("readinessProbe", "livenessProbe"):
            if container.long_running and not container.spec[probe].present:
                yield f"{container.label}: {probe} is missing: Kubernetes would not notice that the container hangs"


def versioned(resource: Resource) -> Iterator[str]:
    """Images have a version tag or a digest."""
    for container in containers_of(resource):
        image = container.spec["image"]
        # A digest, too, follows a colon.
        tag = image.text.rpartition("/")[2].partition(":")[2]
        if image.known and (not tag or tag in MOVING_TAGS):
            yield f"{container.label}: image `{image.text}` must have a version tag or a digest"


def read_only(resource: Resource) -> Iterator[str]:
    """Containers have a read-only root file system."""
    for container in containers_of(resource):
        if not container.spec.at("securityContext.readOnlyRootFilesystem").may_be_true:
            yield (
                f"{container.label}: securityContext.readOnlyRootFilesystem must be true: "
                "mount a volume for files that the container writes"
            )


def without_token(resource: Resource) -> Iterator[str]:
    """Pods get no token for the API server unless one is mounted explicitly."""
    pod = pod_of(resource)
    if pod.present and not pod["automountServiceAccountToken"].may_be_false:
        yield "automountServiceAccountToken must be false: mount a projected token in the container that needs it"
