"""All settings of a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from settings.profiles import Profile
from settings.schema.access import Access
from settings.schema.approval import Approval
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from settings.schema.aws import Aws
from settings.schema.backups import Backups
from settings.schema.base import Model
from settings.schema.bucket import BucketArtifacts
from settings.schema.certificate import CertificateSecret, SelfSigned
from settings.schema.cluster import Cluster
from settings.schema.console import Console
from settings.schema.database import ExternalDatabase, InClusterDatabase, SqliteDatabase
from settings.schema.gateway import HttpRouteGateway, IngressGateway
from settings.schema.login import BasicLogin, DevelopmentLogin, OidcLogin, Sessions
from settings.schema.monitoring import Monitoring
from settings.schema.rds import RdsDatabase
from settings.schema.retention import Retention
from settings.schema.scheduling import Scheduling
from settings.schema.server import Images, Server
from settings.schema.teams import Groups, Limits, Quota, Team, Workspaces
from settings.types import values
from settings.types.service_accounts import AUDIENCE, qualified

Database = InClusterDatabase | RdsDatabase | ExternalDatabase | SqliteDatabase
Artifacts = InClusterArtifacts | BucketArtifacts | S3Artifacts | VolumeArtifacts


class Settings(Model):
    """All settings of a stack, without the secrets."""

    profile: Profile
    """Defaults and rules: `evaluation` allows deletion of data; `small` (one team) and `production` protect data."""

    host: values.Host
    """Public host name; all URLs of the platform are built from it."""

    namespace: values.Namespace = "mlflow"
    """Namespace of the platform."""

    create_namespace: values.Flag = True
    """Create the platform's namespace; `false` uses an existing one, which must hold nothing but the platform."""

    cluster: Cluster = Field(default_factory=Cluster)
    """Properties of the Kubernetes cluster."""

    gateway: Annotated[IngressGateway | HttpRouteGateway, Field(discriminator="kind")] = IngressGateway(kind="ingress")
    """Ingress or Gateway API in front of the platform."""

    console: Console = Field(default_factory=Console)
    """Entries in the web console of the cluster."""

    monitoring: Monitoring = Field(default_factory=Monitoring)
    """Metrics, alert rules and dashboard."""

    aws: Aws | None = None
    """AWS account and region of database and bucket, and the authentication of pods to AWS."""

    database: Annotated[Database, Field(discriminator="kind")]
    """Database of MLflow's metadata."""

    artifacts: Annotated[Artifacts, Field(discriminator="kind")]
    """Storage of MLflow's artifacts."""

    backups: Backups = Field(default_factory=Backups)
    """Backups of the in-cluster PostgreSQL."""

    login: Annotated[DevelopmentLogin | OidcLogin | BasicLogin, Field(discriminator="kind")]
    """Sign-in of users."""

    sessions: Sessions = Field(default_factory=Sessions)
    """Lifetime of browser sessions."""

    certificate: Annotated[SelfSigned | CertificateSecret, Field(discriminator="kind")]
    """TLS certificate of the host."""

    server: Server
    """Image and resources of the MLflow server."""

    images: Images = Field(default_factory=Images)
    """All images except `server.image`, and the registry that all images are pulled from."""

    scheduling: Scheduling = Field(default_factory=Scheduling)
    """Nodes, priority, labels and image pull policy of every pod of the platform."""

    access: Access = Field(default_factory=Access)
    """How access is checked, and the contact shown to users without access."""

    workspaces: Workspaces = Field(default_factory=Workspaces)
    """Defaults for all teams."""

    teams: dict[values.TeamName, Team] = Field(min_length=1)
    """Teams by name; each gets a namespace and an MLflow workspace of that name."""

    retention: Retention = Field(default_factory=Retention)
    """Ages after which data is deleted for good or archived."""

    approval: Approval = Field(default_factory=Approval)
    """Limits within which a change needs no approval (`make plan`)."""

    @property
    def durable(self) -> bool:
        """True if resources with data are protected from deletion."""
        return self.profile != "evaluation"

    @property
    def backed_up(self) -> bool:
        """True if the in-cluster PostgreSQL is backed up: backups are on, and there is a store for them."""
        if not self.backups.enabled or not isinstance(self.database, InClusterDatabase):
            return False
        if isinstance(self.artifacts, S3Artifacts):
            return self.backups.bucket is not None and self.backups.credentials is not None
        return isinstance(self.artifacts, InClusterArtifacts)

    @property
    def audiences(self) -> tuple[str, ...]:
        """Audiences that MLflow accepts in service-account tokens.

        With `access.review` `self-subject`, MLflow passes the tokens on to the API server. The only audience is then
        the issuer's URL, because the API server accepts tokens with this audience.
        """
        if self.access.review == "self-subject":
            return (self.cluster.issuer,)
        return self.cluster.audiences

    @property
    def audience(self) -> str:
        """The audience that programs ask for: `mlflow` if it is accepted."""
        return AUDIENCE if AUDIENCE in self.audiences else self.audiences[0]

    @property
    def workspace_labels(self) -> dict[str, str]:
        """Labels of the namespaces that are workspaces, by name."""
        name, _, value = self.workspaces.label.partition("=")
        return {name: value}

    @property
    def client_namespaces(self) -> tuple[str, ...]:
        """Namespaces of the service accounts that teams list, without the teams' own namespaces."""
        teams = [self.team(name) for name in self.teams]
        namespaces = {home for team in teams for home, _ in (*team.service_accounts, *team.logging_accounts)}
        return tuple(sorted(namespaces - self.teams.keys()))

    @property
    def teams_with_keys(self) -> tuple[str, ...]:
        """Teams whose programs have an access key for the store; an archived team has none."""
        return tuple(name for name, team in self.teams.items() if team.direct_access and not team.archived)

    @property
    def retained_teams(self) -> tuple[str, ...]:
        """Teams whose data is deleted for good or archived at some age."""
        return tuple(name for name in self.teams if self.team(name).retention.applies)

    def team(self, name: str) -> "MergedTeam":
        """The settings of a team, with the defaults of all teams for settings that the team does not have."""
        return MergedTeam(name, self.teams[name], self)


@dataclass(frozen=True, slots=True)
class MergedTeam:
    """A team's own settings and the defaults of all teams."""

    name: str
    own: Team
    stack: Settings

    def source(self, field: Callable[[Team | Workspaces], object]) -> Team | Workspaces:
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
    def scheduling(self) -> Scheduling:
        """Nodes, priority, labels and image pull policy of the pods that serve the team's models."""
        return self.stack.scheduling.overridden(self.own.scheduling)

    @property
    def retention(self) -> Retention:
        """Ages after which the team's data is deleted for good or archived."""
        return self.stack.retention.overridden(self.own.retention)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The team's groups by role; in an archived team all groups are viewers."""
        groups = (self.own.groups or Groups(manager=(f"{self.name}-mlflow-users",))).by_role
        if self.own.archived:
            return {"viewer": tuple(group for role in groups.values() for group in role), "editor": (), "manager": ()}
        return groups

    @property
    def service_accounts(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of each service account that the team lists; none while the team is archived."""
        if self.own.archived:
            return ()
        return tuple(qualified(self.name, account) for account in self.own.service_accounts)

    @property
    def logging_accounts(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of each log-only service account of the team; none while the team is archived."""
        if self.own.archived:
            return ()
        return tuple(qualified(self.name, account) for account in self.own.logging_accounts)

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """E-mail addresses of the team's members by role, with login kind `basic`.

        With other login kinds no role has members here: the identity provider puts each user's groups into the token.
        """
        login = self.stack.login
        users = login.users if isinstance(login, BasicLogin) else {}
        return {
            role: tuple(email for email, user in sorted(users.items()) if set(groups) & set(user.groups))
            for role, groups in self.groups.items()
        }
