"""The stack file as types: the only reader of configuration.

`load` reads the stack's configuration once and reports every fault in one go. Secrets are not part of the model:
they stay Pulumi outputs from the first moment (`Secrets`). How faults are found and worded is in `stackfile/`.
"""

import datetime as dt
import json
from typing import Annotated, Literal

import pulumi
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from stackfile import source, values
from stackfile.contradictions import contradictions
from stackfile.draft import Draft
from stackfile.faults import Fault, report
from stackfile.kinds import whole
from stackfile.programs import AUDIENCE, qualified
from stackfile.secrets import PROJECT, Secrets, read_secrets, required, secret_faults
from stackfile.source import Source, source_faults
from stackfile.translation import translate

__all__ = [
    "PROJECT",
    "CertificateSecret",
    "DevelopmentLogin",
    "ExternalDatabase",
    "HttpRouteGateway",
    "InClusterArtifacts",
    "InClusterDatabase",
    "OidcLogin",
    "S3Artifacts",
    "Secrets",
    "SelfSigned",
    "Settings",
    "Team",
    "judge",
    "load",
    "required",
]


class Model(BaseModel):
    """Strict and closed: a wrong type or an unknown key is a fault. Keys are written in camel case."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


class Cluster(Model):
    """What the platform must know of the Kubernetes cluster."""

    context: values.Plain | None = None
    """Context of the kubeconfig; absent means the current one."""

    ingress_class: values.ObjectName = "traefik"
    """Ingress class that serves the platform's hosts."""

    ingress_namespace: values.ObjectName = "traefik"
    """Namespace of the ingress controller's pods, which NetworkPolicies admit."""

    ingress_annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of every Ingress, for example `cert-manager.io/cluster-issuer`."""

    storage_class: values.ObjectName | None = None
    """Class of the in-cluster volumes; absent means the cluster's default."""

    service_account_issuer: values.Issuer = "https://kubernetes.default.svc.cluster.local"
    """`--service-account-issuer` of the API server; managed clusters have one of their own."""

    service_account_audiences: tuple[values.Audience, ...] = ()
    """Audiences of the service-account tokens that open MLflow, `mlflow` among them; none means `mlflow` and the
    issuer, which is what most clusters put into the token of every pod. With `[mlflow]` alone pods have to ask for a
    token of their own."""

    api_server: tuple[values.AddressRange, ...] = ()
    """Where the API server is behind its Service (`kubectl get endpointslices kubernetes`), as address ranges that stay
    right; none means that the server's pods may reach its ports at any address."""

    ingress_addresses: tuple[values.AddressRange, ...] = ()
    """Addresses of a load balancer in front of the ingress controller, where pods reach it from outside the cluster
    only; teams' pods may reach them on 443."""

    @property
    def audiences(self) -> tuple[str, ...]:
        """Audiences of the service-account tokens that open MLflow."""
        return self.service_account_audiences or (AUDIENCE, self.service_account_issuer)

    @property
    def admits_default_tokens(self) -> bool:
        """Whether the token that Kubernetes mounts into pods is good for something: its audience is never `mlflow`."""
        return self.audiences != (AUDIENCE,)


class IngressGateway(Model):
    """An Ingress of class `cluster.ingressClass`."""

    kind: Literal["ingress"]
    """What tells the cluster's controller of the platform: an `ingress`, or Gateway API objects (`http-route`)."""

    path: values.UrlPath | None = None
    """Below which path of the host the platform is; absent means the whole host."""

    login: Literal["reverse-proxy", "forward-auth"] = "reverse-proxy"
    """Whether requests of browsers pass the login, or Traefik asks it about each (`forward-auth`)."""


class HttpRouteGateway(Model):
    """A Gateway of the platform's own and HTTPRoutes, for clusters with the Gateway API."""

    kind: Literal["http-route"]
    """What tells the cluster's controller of the platform: an `ingress`, or Gateway API objects (`http-route`)."""

    path: values.UrlPath | None = None
    """Below which path of the host the platform is; absent means the whole host."""

    class_name: values.ObjectName = "traefik"
    """GatewayClass of the Gateway, whose controller's pods are in `cluster.ingressNamespace`."""

    port: values.Port = 443
    """Port of its listeners; Traefik wants that of its entry point, whatever its Service says."""

    annotations: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the Gateway, for example `cert-manager.io/cluster-issuer`."""


class InClusterDatabase(Model):
    """PostgreSQL beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Who runs PostgreSQL: the platform (`in-cluster`) or somebody else (`external`)."""

    storage: values.VolumeSize = "10Gi"
    """Size of the volume."""


class ExternalDatabase(Model):
    """PostgreSQL that somebody else runs."""

    kind: Literal["external"]
    """Who runs PostgreSQL: the platform (`in-cluster`) or somebody else (`external`)."""

    host: values.ServerHost
    """The server; connections to it are encrypted."""

    port: values.Port = 5432
    """Its TCP port."""

    name: values.Identifier = "mlflow"
    """Name of the database, which exists and belongs to `user`."""

    user: values.Identifier = "mlflow"
    """Role that MLflow signs in as."""

    max_connections: Annotated[int, whole(20, 100_000)] | None = None
    """The server's `max_connections`; given, a server that would need more is refused at preview."""


class InClusterArtifacts(Model):
    """An S3 store beside MLflow, one instance on one volume."""

    kind: Literal["in-cluster"]
    """Where artifacts are: in a store of the platform's (`in-cluster`) or in a bucket that exists (`s3`)."""

    storage: values.VolumeSize = "20Gi"
    """Size of the volume."""


class S3Artifacts(Model):
    """A bucket that exists, at AWS or in any store that speaks S3."""

    kind: Literal["s3"]
    """Where artifacts are: in a store of the platform's (`in-cluster`) or in a bucket that exists (`s3`)."""

    bucket: values.Bucket
    """Name of the bucket."""

    region: values.Region = "us-east-1"
    """The bucket's region; required for AWS."""

    endpoint_url: values.Endpoint | None = None
    """URL of the store; absent means AWS. In production it is https."""


class DevelopmentUser(Model):
    """Somebody who can sign in at the development identity provider."""

    groups: tuple[values.Group, ...] = ()
    """Groups that the identity provider says the user is in."""


class DevelopmentLogin(Model):
    """An identity provider of the platform's own, for evaluation."""

    kind: Literal["development"]
    """Who signs people in: the company (`oidc`) or a small provider in the cluster (`development`)."""

    users: dict[values.Email, DevelopmentUser] = Field(min_length=1)
    """Who can sign in, by e-mail address. `up` makes a password for each."""


class OidcLogin(Model):
    """The company's identity provider."""

    kind: Literal["oidc"]
    """Who signs people in: the company (`oidc`) or a small provider in the cluster (`development`)."""

    issuer: values.Issuer
    """URL of the issuer, letter by letter as it stands in its tokens."""

    client_id: values.ClientId
    """Client registered there, with the redirect URI `https://<host>/oauth2/callback`."""

    audiences: tuple[values.ClientId, ...] = ()
    """Further clients whose ID tokens programs may present."""


class SelfSigned(Model):
    """A certificate of a private authority, whose certificate clients are given."""

    kind: Literal["self-signed"]
    """Where the certificate comes from: made by the platform (`self-signed`) or found in a Secret (`secret`)."""

    issued: values.Date = dt.date(2026, 11, 1)
    """First of the certificate's 825 days; a later date renews it."""


class CertificateSecret(Model):
    """A certificate that exists, or that cert-manager makes."""

    kind: Literal["secret"]
    """Where the certificate comes from: made by the platform (`self-signed`) or found in a Secret (`secret`)."""

    name: values.ObjectName
    """A `kubernetes.io/tls` Secret in the platform's namespace; for the development login also `<name>-dex`."""

    authority: values.Authority | None = None
    """Certificate of the private authority that clients have to trust; absent means that they trust it already."""


class Sessions(Model):
    """How long a browser stays signed in."""

    hours: Annotated[int, whole(1, 168)] = 12
    """After this time people sign in again."""

    refresh_minutes: Annotated[int, whole(1, 1440)] = 15
    """How often the identity provider is asked again; the lag of a revocation there."""


class Server(Model):
    """Image and sizes of the MLflow server."""

    image: values.ServerImage
    """Built from `images/mlflow`."""

    replicas: Annotated[int, whole(1, 20)] = 1
    """Pods that serve at the same time."""

    workers: Annotated[int, whole(1, 16)] = 1
    """Processes in each replica; each takes 300 MiB beside the first 300."""

    pool_size: Annotated[int, whole(1, 200)] = 20
    """Database connections that each of a worker's two engines keeps."""

    pool_overflow: Annotated[int, whole(0, 200)] = 10
    """Connections that it opens beyond that under load."""

    cpu: values.Cpu = "250m"
    """CPU that each replica is promised."""

    cpu_limit: values.Cpu = "2"
    """CPU that each replica may take."""

    memory: values.Size = "700Mi"
    """Memory that each replica is promised. Measured: 595-620 MiB with one worker."""

    memory_limit: values.Size = "1Gi"
    """Memory at which a replica is restarted."""

    upload_space: values.Size = "512Mi"
    """Disk of a replica for what does not stream through it: attachments of traces, files of up to 10 MB that the UI
    uploads. Artifacts of any size need none."""

    access_cache_seconds: Annotated[int, whole(1, 3600)] = 30
    """How long an answer of Kubernetes RBAC is kept; the lag of a revocation there."""


class Images(Model):
    """Images of everything but MLflow itself; to be changed for a mirror."""

    postgres: values.Image = "docker.io/library/postgres:17-trixie"
    """PostgreSQL of the in-cluster database."""

    object_store: values.Image = "docker.io/chrislusf/seaweedfs:4.48"
    """SeaweedFS of the in-cluster artifacts."""

    oauth2_proxy: values.Image = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.3"
    """OAuth2-Proxy, the login."""

    dex: values.Image = "ghcr.io/dexidp/dex:v2.45.1"
    """Dex, the development identity provider."""


class Access(Model):
    """How Kubernetes RBAC decides."""

    aggregate_roles: values.Flag = False
    """Whether Kubernetes' own roles view, edit and admin in a team's namespace count in MLflow too."""


class Groups(Model):
    """Who of the identity provider's groups may do what; at least one group in all."""

    viewer: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read."""

    editor: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read and write."""

    manager: tuple[values.Group, ...] = Field(default=(), min_length=1)
    """Groups that read, write and delete."""


class Quota(Model):
    """What all pods and volumes of a team may take together."""

    cpu: values.Cpu = "16"
    """Sum of the CPU limits of its containers."""

    memory: values.Size = "64Gi"
    """Sum of the memory limits of its containers."""

    storage: values.Size = "200Gi"
    """Sum of the volumes that it claims."""

    pods: Annotated[int, whole(1, 10_000)] = 100
    """Pods that exist at the same time."""


class Limits(Model):
    """What a container gets that says nothing about it."""

    cpu: values.Cpu = "1"
    """CPU that it may take."""

    memory: values.Size = "2Gi"
    """Memory at which it is ended."""

    cpu_request: values.Cpu = "100m"
    """CPU that it is promised."""

    memory_request: values.Size = "256Mi"
    """Memory that it is promised. Measured: 230 MiB for MLflow's client with pandas and scikit-learn."""


class Workspaces(Model):
    """What every team gets that says nothing else."""

    quota: Quota = Field(default_factory=Quota)
    """What all pods and volumes of a team may take together."""

    limits: Limits = Field(default_factory=Limits)
    """What a container gets that says nothing about it."""

    api_server: values.Flag = False
    """Whether teams' pods reach the API server, as Airflow's and Kubeflow's do, at the addresses in
    `cluster.apiServer`."""


class TeamQuota(Model):
    """What one team may take, where it differs from `workspaces.quota`."""

    cpu: values.Cpu | None = None
    """Instead of `workspaces.quota.cpu`."""

    memory: values.Size | None = None
    """Instead of `workspaces.quota.memory`."""

    storage: values.Size | None = None
    """Instead of `workspaces.quota.storage`."""

    pods: Annotated[int, whole(1, 10_000)] | None = None
    """Instead of `workspaces.quota.pods`."""


class TeamLimits(Model):
    """What a container of one team gets, where it differs from `workspaces.limits`."""

    cpu: values.Cpu | None = None
    """Instead of `workspaces.limits.cpu`."""

    memory: values.Size | None = None
    """Instead of `workspaces.limits.memory`."""

    cpu_request: values.Cpu | None = None
    """Instead of `workspaces.limits.cpuRequest`."""

    memory_request: values.Size | None = None
    """Instead of `workspaces.limits.memoryRequest`."""


class Team(Model):
    """One team: its name is the key in `teams`."""

    description: values.Description = ""
    """What MLflow shows beside the workspace's name."""

    groups: Groups | None = None
    """Who works in it; absent means that the group `<team>-mlflow-users` manages it."""

    service_accounts: tuple[values.Account, ...] = ()
    """Service accounts beside `mlflow-client` that read and write in the workspace: a name in the team's namespace, or
    `namespace/name`."""

    quota: TeamQuota = Field(default_factory=TeamQuota)
    """What it may take, where that differs from `workspaces.quota`."""

    limits: TeamLimits = Field(default_factory=TeamLimits)
    """What its containers get, where that differs from `workspaces.limits`."""

    archived: values.Flag = False
    """Whether everybody only reads, nothing runs, and removing the team from here deletes its namespace."""


class Settings(Model):
    """Everything that a stack file says, without the secrets."""

    profile: Literal["evaluation", "production"]
    """`evaluation` may be destroyed; `production` protects its data and refuses what only an evaluation can bear."""

    host: values.Host
    """The one public host name; every URL of the platform follows from it."""

    namespace: values.Namespace = "mlflow"
    """Namespace of the platform itself, which it creates."""

    cluster: Cluster = Field(default_factory=Cluster)
    """What the platform must know of the Kubernetes cluster."""

    gateway: Annotated[IngressGateway | HttpRouteGateway, Field(discriminator="kind")] = IngressGateway(kind="ingress")
    """The way in from outside the cluster."""

    database: Annotated[InClusterDatabase | ExternalDatabase, Field(discriminator="kind")]
    """Where MLflow keeps its metadata."""

    artifacts: Annotated[InClusterArtifacts | S3Artifacts, Field(discriminator="kind")]
    """Where MLflow keeps artifacts."""

    login: Annotated[DevelopmentLogin | OidcLogin, Field(discriminator="kind")]
    """Who may sign in."""

    sessions: Sessions = Field(default_factory=Sessions)
    """How long a browser stays signed in."""

    certificate: Annotated[SelfSigned | CertificateSecret, Field(discriminator="kind")]
    """Where the TLS certificate of the host comes from."""

    server: Server
    """Image and sizes of the MLflow server."""

    images: Images = Field(default_factory=Images)
    """Images of everything else."""

    access: Access = Field(default_factory=Access)
    """How Kubernetes RBAC decides."""

    workspaces: Workspaces = Field(default_factory=Workspaces)
    """What every team gets that says nothing else."""

    teams: dict[values.TeamName, Team] = Field(min_length=1)
    """The teams, by name; each gets a namespace and an MLflow workspace of that name."""

    @property
    def durable(self) -> bool:
        """Whether whatever holds data is protected."""
        return self.profile == "production"

    def groups(self, team: str) -> dict[str, tuple[str, ...]]:
        """A team's groups by the role that they have, which is `viewer` in an archived team."""
        chosen = self.teams[team].groups or Groups(manager=(f"{team}-mlflow-users",))
        if self.teams[team].archived:
            return {"viewer": (*chosen.viewer, *chosen.editor, *chosen.manager), "editor": (), "manager": ()}
        return {"viewer": chosen.viewer, "editor": chosen.editor, "manager": chosen.manager}

    def service_accounts(self, team: str) -> tuple[tuple[str, str], ...]:
        """Namespace and name of the service accounts that a team lists; none while it is archived."""
        if self.teams[team].archived:
            return ()
        return tuple(qualified(team, account) for account in self.teams[team].service_accounts)

    @property
    def client_namespaces(self) -> tuple[str, ...]:
        """Namespaces of programs that are no team's own."""
        homes = {namespace for team in self.teams for namespace, _ in self.service_accounts(team)}
        return tuple(sorted(homes - self.teams.keys()))

    def quota(self, team: str) -> Quota:
        """What a team's pods and volumes may take together."""
        return self.workspaces.quota.model_copy(update=self.teams[team].quota.model_dump(exclude_none=True))

    def limits(self, team: str) -> Limits:
        """What a container of a team gets that says nothing about it."""
        return self.workspaces.limits.model_copy(update=self.teams[team].limits.model_dump(exclude_none=True))


def load() -> tuple[Settings, Secrets]:
    """Read the stack's configuration.

    Raises:
        pulumi.RunError: the configuration has faults; the message lists all of them, each with its key, what was
            expected and what to do.
    """
    given, stack = source.read(), pulumi.get_stack()
    settings, found = judge(given, stack)
    found += secret_faults(given.document, given.secrets, stack)
    if settings is None or found:
        # Without the cause, whose own words may show a secret.
        raise pulumi.RunError(report(found, f"Pulumi.{stack}.yaml"))
    return settings, read_secrets()


def judge(given: Source, stack: str) -> tuple[Settings | None, list[Fault]]:
    """The settings, None where a value is wrong or missing, and every fault but those of the secrets."""
    settings: Settings | None = None
    found: list[Fault] = []
    try:
        # As JSON, where a strict model takes lists for tuples.
        settings = Settings.model_validate_json(json.dumps(given.document))
    except ValidationError as error:
        found += translate(error, Settings, stack=stack, encrypted=given.encrypted)
    found += contradictions(Draft(given.document, Settings))
    found += source_faults(given, found)
    return settings, found
