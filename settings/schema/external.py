"""The settings of a stack without a server: teams use a tracking server that somebody else runs, or Databricks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from settings.profiles import Profile
from settings.schema.base import Model
from settings.schema.credentials import Needs, Rotation
from settings.schema.network import Network
from settings.schema.scheduling import Scheduling
from settings.schema.teams import Limits, Quota, TeamLimits, TeamQuota
from settings.types import values
from settings.types.addresses import is_address


class PasswordCredentials(Model):
    """User name and password (basic authentication)."""

    kind: Literal["password"]

    username: values.Plain
    """User name; the password is the encrypted value `trackingPassword`."""


class TokenCredentials(Model):
    """An encrypted token in the stack file: `trackingToken`, or `databricksToken` with server kind `databricks`."""

    kind: Literal["token"]


class CredentialsInSecret(Model):
    """An existing Secret in the team's namespace, with keys named like the client's environment variables.

    The keys are `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`. With server kind
    `databricks`, the key is `DATABRICKS_TOKEN`.
    """

    kind: Literal["secret"]

    name: values.ObjectName = "mlflow-credentials"
    """Name of a Secret in the team's namespace."""

    rotation: Rotation = 1
    """Raise this number after the Secret has changed, to check the connection again."""


class ExternalServer(Model):
    """An MLflow tracking server that somebody else runs. Nothing of it is deployed."""

    kind: Literal["external"]

    url: values.TrackingUrl
    """Tracking URI of the server."""

    addresses: tuple[values.AddressRange, ...] = ()
    """Address ranges of the server, to which teams' pods may connect. Empty means the address in `url` or, with a host
    name, any address except those of cloud metadata services."""

    ports: tuple[values.Port, ...] = ()
    """Ports of the server's pods, if `url` names a Service of this cluster. Empty means the port in `url`."""

    credentials: Annotated[
        PasswordCredentials | TokenCredentials | CredentialsInSecret | None,
        Field(discriminator="kind"),
        Needs("trackingPassword", "Password of `server.credentials.username`.", PasswordCredentials),
        Needs("trackingToken", "Token with which clients sign in to the server at `server.url`.", TokenCredentials),
    ] = None
    """Credentials of all teams. `null` means that the server asks for none."""


class DatabricksServer(Model):
    """MLflow of a Databricks workspace, with Unity Catalog as the model registry."""

    kind: Literal["databricks"]

    host: values.DatabricksHost
    """URL of the Databricks workspace."""

    addresses: tuple[values.AddressRange, ...] = ()
    """Address ranges of the Databricks workspace and of the storage of its artifacts, to which teams' pods may connect
    on port 443. Empty means any address except those of cloud metadata services."""

    credentials: Annotated[
        TokenCredentials | CredentialsInSecret,
        Field(discriminator="kind"),
        Needs("databricksToken", "Personal access token or OAuth token for `server.host`.", TokenCredentials),
    ]
    """Credentials of all teams."""


class ExternalCluster(Network):
    """Properties of the Kubernetes cluster."""

    authorities: values.Authority | None = None
    """CA certificates for the server in `server.url`, if its CA is private. If they are set, clients trust no other CA
    when they call this server.
    """


class ExternalImages(Model):
    """The image of the connectivity check, and the registry that it is pulled from."""

    registry: values.Registry | None = None
    """Mirror registry, optionally with a path. It replaces the registry of `images.check`."""

    pull_secrets: tuple[values.ObjectName, ...] = ()
    """Image pull Secrets in every team's namespace."""

    check: values.Image = "docker.io/library/python:3.13-slim"
    """Any image with Python 3.11 or later as `python3`, for the connectivity check."""


class ExternalWorkspaces(Model):
    """Defaults for all teams."""

    quota: Quota = Field(default_factory=Quota)
    """Limits for all pods and volumes of a team together (ResourceQuota)."""

    limits: Limits = Field(default_factory=Limits)
    """Default requests and limits of containers (LimitRange)."""

    pod_label: values.PodLabel = "mlflow-client=true"
    """Label of the pods that may connect to the server."""

    client_version: values.ClientVersion | None = None
    """Version of the MLflow client in the teams' pods, which `up` compares with the server's. Absent means no
    comparison."""


class ExternalTeam(Model):
    """A team; its name is the key in `teams`."""

    description: values.Description = ""
    """Text in an annotation of the team's namespace."""

    quota: TeamQuota = Field(default_factory=TeamQuota)
    """Differences from `workspaces.quota`."""

    limits: TeamLimits = Field(default_factory=TeamLimits)
    """Differences from `workspaces.limits`."""

    pod_label: values.PodLabel | None = None
    """Overrides `workspaces.podLabel`."""

    client_version: values.ClientVersion | None = None
    """Overrides `workspaces.clientVersion`."""

    credentials: CredentialsInSecret | None = None
    """Overrides `server.credentials` by a Secret of the team's own."""

    create_namespace: values.Flag = True
    """Create the team's namespace; `false` uses an existing one and keeps its content (docs/teams.md)."""

    namespace_labels: dict[values.OwnLabel, values.LabelValue] = Field(default_factory=dict[str, str])
    """Labels of the team's namespace, in addition to the platform's."""

    namespace_annotations: dict[values.NamespaceAnnotation, values.Plain] = Field(default_factory=dict[str, str])
    """Annotations of the team's namespace, in addition to the platform's."""

    archived: values.Flag = False
    """Prevent the team from starting pods, and remove its credentials. Removing an archived team deletes its
    namespace, unless it existed already."""


class ExternalSettings(Model):
    """All settings of a stack whose teams use a tracking server that is not part of it, without the secrets."""

    profile: Profile
    """Defaults and rules: `evaluation` allows deletion of namespaces; `small` and `production` protect them."""

    cluster: ExternalCluster = Field(default_factory=ExternalCluster)
    """Properties of the Kubernetes cluster."""

    server: Annotated[ExternalServer | DatabricksServer, Field(discriminator="kind")]
    """The tracking server."""

    images: ExternalImages = Field(default_factory=ExternalImages)
    """The image of the connectivity check, and the registry that it is pulled from."""

    scheduling: Scheduling = Field(default_factory=Scheduling)
    """Nodes, priority, labels and image pull policy of the pods that check the connection."""

    workspaces: ExternalWorkspaces = Field(default_factory=ExternalWorkspaces)
    """Defaults for all teams."""

    teams: dict[values.TeamName, ExternalTeam] = Field(min_length=1)
    """Teams by name; each gets a namespace of that name."""

    @property
    def durable(self) -> bool:
        """True if namespaces are protected from deletion."""
        return self.profile != "evaluation"

    @property
    def url(self) -> str:
        """URL of the tracking server, or of the Databricks workspace."""
        return self.server.host if isinstance(self.server, DatabricksServer) else self.server.url

    @property
    def addresses(self) -> tuple[str, ...]:
        """Address ranges of the tracking server; empty if they are not known."""
        host = urlsplit(self.url).hostname or ""
        return self.server.addresses or ((f"{host}/32",) if is_address(host) else ())

    @property
    def ports(self) -> tuple[int, ...]:
        """TCP ports of the tracking server."""
        if isinstance(self.server, ExternalServer) and self.server.ports:
            return self.server.ports
        parts = urlsplit(self.url)
        return (parts.port or (80 if parts.scheme == "http" else 443),)

    def team(self, name: str) -> "MergedExternalTeam":
        """The settings of a team, with the defaults of all teams for settings that the team does not have."""
        return MergedExternalTeam(self.teams[name], self)


@dataclass(frozen=True, slots=True)
class MergedExternalTeam:
    """A team's own settings and the defaults of all teams."""

    own: ExternalTeam
    stack: ExternalSettings

    def source(self, field: Callable[[ExternalTeam | ExternalWorkspaces], object]) -> ExternalTeam | ExternalWorkspaces:
        """The section that sets a value of quota or limits: the team's own, or `workspaces`."""
        return self.stack.workspaces if field(self.own) is None else self.own

    @property
    def quota(self) -> Quota:
        """The team's quota (ResourceQuota)."""
        return self.stack.workspaces.quota.overridden(self.own.quota)

    @property
    def limits(self) -> Limits:
        """The team's default requests and limits of containers (LimitRange)."""
        return self.stack.workspaces.limits.overridden(self.own.limits)

    @property
    def pod_label(self) -> str:
        """Label of the team's pods that may connect to the server, as `key=value`."""
        return self.own.pod_label or self.stack.workspaces.pod_label

    @property
    def client_version(self) -> str | None:
        """Version of the team's MLflow client; None if the stack file has none."""
        return self.own.client_version or self.stack.workspaces.client_version

    @property
    def credentials(self) -> PasswordCredentials | TokenCredentials | CredentialsInSecret | None:
        """Source of the team's credentials; None if the server asks for none, or the team is archived."""
        return None if self.own.archived else self.own.credentials or self.stack.server.credentials
