"""The sections `server` and `images`."""

from typing import Annotated, Literal

from pydantic import Field

from settings.schema.base import Model
from settings.schema.bounds import Bounds
from settings.types import values
from settings.types.kinds import whole


class Autoscaling(Model):
    """HorizontalPodAutoscaler of the server."""

    max_replicas: Annotated[int, whole(2, 50)]
    """Maximum number of replicas; `server.replicas` is the minimum."""

    cpu_percent: Annotated[int, whole(10, 400)] = 70
    """Target CPU utilization, in percent of `server.cpu`, averaged over all replicas."""


class Migration(Model):
    """The schema migration, which `up` runs before the server's rollout."""

    require_backup: values.Flag = False
    """Only with `backups`: change the schema only if a backup was proven in the last 26 hours (docs/proven-upgrade.md).
    An empty database needs none."""


class Server(Model):
    """Image and resources of the MLflow server."""

    kind: Annotated[Literal["platform"], values.SERVER_KIND] = "platform"
    """Operator of the server: the platform, or somebody else (docs/external.md)."""

    image: values.ServerImage
    """Image built from `images/mlflow`."""

    replicas: Annotated[int, whole(1, 20)] = 1
    """Number of pods. Two or more survive the loss of a node and have a PodDisruptionBudget."""

    autoscaling: Autoscaling | None = None
    """More replicas under load, by a HorizontalPodAutoscaler; needs a metrics server in the cluster. `null` means a
    fixed number of replicas."""

    spread: Literal["preferred", "required"] = "preferred"
    """Spreading of replicas over nodes and zones. With `required` a replica stays Pending if it would make the
    distribution uneven, and nodes need a zone label."""

    termination_seconds: Annotated[int, whole(30, 3600)] = 120
    """Termination grace period in seconds. After the first 15, no proxy sends new requests. The last 5 are for
    OAuth2-Proxy to stop; requests in progress have the time between."""

    workers: Annotated[int, whole(1, 16)] = 1
    """Processes in each replica; docs/sizing.md says how much memory each needs."""

    pool_size: Annotated[int, whole(1, 200)] = 20
    """Database connections that each worker keeps open."""

    pool_overflow: Annotated[int, whole(0, 200)] = 10
    """Additional connections that each worker opens under load."""

    cpu: values.Cpu = "250m"
    """CPU request per replica."""

    cpu_limit: values.Cpu = "2"
    """CPU limit per replica."""

    memory: values.Size = "700Mi"
    """Memory request per replica."""

    memory_limit: values.Size = "1Gi"
    """Memory limit per replica."""

    upload_space: values.Size = "512Mi"
    """Disk space per replica for uploads that are not streamed: attachments of traces, and files of up to 10 MB from
    the UI. Artifacts are streamed and need none."""

    access_cache_seconds: Annotated[int, whole(1, 3600)] = 30
    """Time for which access reviews are cached, and the delay until a change of RBAC takes effect."""

    features: tuple[values.Feature, ...] = ()
    """Features of MLflow that are off by default. `webhooks` sends events of the model registry to the hosts in
    `webhookHosts`. The routes of all other features that run code or connect to other hosts answer 404."""

    webhook_hosts: tuple[values.Host, ...] = ()
    """Hosts that webhooks may be sent to, by https on port 443. All their addresses have to be public. The platform's
    webhook proxy (`images.webhookProxy`) connects to them directly, not through a proxy of the company."""

    bounds: Bounds = Field(default_factory=Bounds)
    """Limits of what one request, one caller and one team may use at once."""

    paused: values.Flag = False
    """Remove the server's Deployment and keep everything else: for a schema migration that is incompatible with the
    old version, and for restoring a backup (docs/upgrade.md)."""

    migration_minutes: Annotated[int, whole(1, 1440)] = 10
    """Timeout of a schema migration. A migration that takes longer is rolled back."""

    migration: Migration = Field(default_factory=Migration)
    """Conditions of a schema migration."""


class Images(Model):
    """The registry of all images, and the images other than `server.image`."""

    registry: values.Registry | None = None
    """Mirror registry, optionally with a path. It replaces the registry of all images, including `server.image`; paths,
    names, tags and digests stay. Absent means that images are pulled from their own registries."""

    pull_secrets: tuple[values.ObjectName, ...] = ()
    """Image pull Secrets in the platform's namespace."""

    postgres: values.Image = "docker.io/library/postgres:17-trixie"
    """PostgreSQL, for the in-cluster database."""

    backup: values.Image = "ghcr.io/cloudnative-pg/postgresql:17-system-trixie"
    """PostgreSQL 17 with barman-cloud, for backups of the in-cluster database. It must have the same locale data as
    `postgres`."""

    object_store: values.Image = "docker.io/chrislusf/seaweedfs:4.48"
    """SeaweedFS, for the in-cluster artifact store."""

    oauth2_proxy: values.Image = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.6"
    """OAuth2-Proxy, which signs users in."""

    haproxy: values.Image = "docker.io/library/haproxy:3.0"
    """HAProxy, which bounds the headers and connections that reach OAuth2-Proxy."""

    dex: values.Image = "ghcr.io/dexidp/dex:v2.45.1"
    """Dex, the development identity provider."""

    webhook_proxy: values.Image = "docker.io/ubuntu/squid:6.6-24.04_edge"
    """Squid, the webhook proxy; only with `webhooks` in `server.features`. Any image with Squid 6 or later at
    /usr/sbin/squid works."""

    valkey: values.Image = "docker.io/valkey/valkey:8.1"
    """Valkey, the store of browser sessions; only with `sessions.store` `valkey`."""

    postgres_exporter: values.Image = "quay.io/prometheuscommunity/postgres-exporter:v0.17.1"
    """Exporter of PostgreSQL's metrics; only with the in-cluster database, unless `monitoring.metrics` is `none`."""
