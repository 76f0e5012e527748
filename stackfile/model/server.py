"""The sections `server` and `images`."""

from typing import Annotated, Literal

from stackfile import values
from stackfile.kinds import whole
from stackfile.model.base import Model


class Autoscaling(Model):
    """Further replicas under load."""

    max_replicas: Annotated[int, whole(2, 50)]
    """Replicas at the busiest time; `server.replicas` is then the least."""

    cpu_percent: Annotated[int, whole(10, 400)] = 70
    """Of `server.cpu`, as an average over the replicas; above it a replica is added."""


class Server(Model):
    """Image and sizes of the MLflow server."""

    image: values.ServerImage
    """Built from `images/mlflow`."""

    replicas: Annotated[int, whole(1, 20)] = 1
    """Pods that serve at the same time. Two or more survive the loss of a node, and have a disruption budget."""

    autoscaling: Autoscaling | None = None
    """Further replicas under load, by a HorizontalPodAutoscaler; needs a metrics server in the cluster. Absent means
    that the number of replicas stays as it is."""

    spread: Literal["preferred", "required"] = "preferred"
    """How strictly replicas stand on different nodes and in different zones: `required` leaves one waiting that would
    stand beside another, and needs nodes with a zone."""

    termination_seconds: Annotated[int, whole(30, 3600)] = 120
    """How long a replica has for ending: 15 until no proxy sends it new requests, 5 for the login beside it, and in
    between what the longest request may take that is to be finished."""

    workers: Annotated[int, whole(1, 16)] = 1
    """Processes in each replica; each takes 210 MiB beside the first 190."""

    pool_size: Annotated[int, whole(1, 200)] = 20
    """Database connections that a worker keeps."""

    pool_overflow: Annotated[int, whole(0, 200)] = 10
    """Connections that it opens beyond that under load."""

    cpu: values.Cpu = "250m"
    """CPU that each replica is promised."""

    cpu_limit: values.Cpu = "2"
    """CPU that each replica may take."""

    memory: values.Size = "700Mi"
    """Memory that each replica is promised. Measured: 400 MiB with one idle worker."""

    memory_limit: values.Size = "1Gi"
    """Memory at which a replica is restarted."""

    upload_space: values.Size = "512Mi"
    """Disk of a replica for what does not stream through it: attachments of traces, files of up to 10 MB that the UI
    uploads. Artifacts of any size need none."""

    access_cache_seconds: Annotated[int, whole(1, 3600)] = 30
    """How long an answer of Kubernetes RBAC is kept; the lag of a revocation there."""

    paused: values.Flag = False
    """No server runs, and everything else stays: for a schema migration that the old version cannot live with, and for
    restoring a backup (docs/upgrade.md)."""

    migration_minutes: Annotated[int, whole(1, 1440)] = 10
    """How long a schema migration may take. One that takes longer ends, and has changed nothing."""


class Images(Model):
    """Images of everything but MLflow itself, and where all images are pulled from."""

    registry: values.Registry | None = None
    """A mirror, perhaps with a folder: it takes the place of every image's registry, that of `server.image` included.
    Folders, names, versions and digests stay. Absent means that images are pulled from where they say."""

    pull_secrets: tuple[values.ObjectName, ...] = ()
    """Names of Secrets in the platform's namespace that images are pulled with."""

    postgres: values.Image = "docker.io/library/postgres:17-trixie"
    """PostgreSQL of the in-cluster database."""

    object_store: values.Image = "docker.io/chrislusf/seaweedfs:4.48"
    """SeaweedFS of the in-cluster artifacts."""

    oauth2_proxy: values.Image = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.6"
    """OAuth2-Proxy, the login."""

    dex: values.Image = "ghcr.io/dexidp/dex:v2.45.1"
    """Dex, the development identity provider."""
