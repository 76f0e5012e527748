"""Rules for containers: resources, probes, images, file systems and API tokens."""

import re
from collections.abc import Iterator, Mapping

from .configuration import Schema
from .pods import containers_of, pod_of
from .resource import Resource

REGISTRIES: Mapping[str, Schema] = {
    "registries": {
        "type": "array",
        "description": "registries, or folders of a registry, that images may come from; an empty list allows all",
        "items": {"type": "string", "pattern": "^[^/]", "description": "a host, or a host and a path"},
        "default": [],
    }
}
# Where an image without a registry comes from, and the folder of one without a folder.
DOCKER_HUB, OFFICIAL = "docker.io", "library"
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}\Z")
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


def pinned(resource: Resource) -> Iterator[str]:
    """Images have a digest."""
    for container in containers_of(resource):
        image = container.spec["image"]
        if image.known and not DIGEST.search(image.text):
            yield f"{container.label}: image `{image.text}` has no digest: append `@sha256:` and the digest"


def from_registries(resource: Resource) -> Iterator[str]:
    """Images come from the registries in the parameter `registries`."""
    allowed: list[str] = resource.config["registries"]
    for container in containers_of(resource):
        image = container.spec["image"]
        if allowed and image.known and not any(_is_below(_whole_name(image.text), place) for place in allowed):
            yield f"{container.label}: image `{image.text}` is not from {' or '.join(allowed)}: copy it there"


def _whole_name(image: str) -> str:
    """The name of an image with its registry, as a container runtime completes it."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"{DOCKER_HUB}/{OFFICIAL}/{image}"
    is_host = "." in first or ":" in first or first == "localhost"
    return image if is_host else f"{DOCKER_HUB}/{image}"


def _is_below(name: str, place: str) -> bool:
    return name.startswith(f"{place.rstrip('/')}/")


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
