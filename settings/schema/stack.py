"""All settings of a stack."""

from typing import Annotated

from pydantic import Field

from settings.profiles import Profile
from settings.schema.access import Access
from settings.schema.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from settings.schema.aws import Aws
from settings.schema.base import Model
from settings.schema.bucket import BucketArtifacts
from settings.schema.certificate import CertificateSecret, SelfSigned
from settings.schema.cluster import Cluster
from settings.schema.database import ExternalDatabase, InClusterDatabase, SqliteDatabase
from settings.schema.gateway import HttpRouteGateway, IngressGateway
from settings.schema.login import BasicLogin, DevelopmentLogin, OidcLogin, Sessions
from settings.schema.rds import RdsDatabase
from settings.schema.server import Images, Server
from settings.schema.teams import Groups, Limits, Quota, Team, Workspaces
from settings.types import values
from settings.types.service_accounts import qualified


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

    aws: Aws | None = None
    """AWS account and region of database and bucket, and the authentication of pods to AWS."""

    database: Annotated[
        InClusterDatabase | RdsDatabase | ExternalDatabase | SqliteDatabase, Field(discriminator="kind")
    ]
    """Database of MLflow's metadata."""

    artifacts: Annotated[
        InClusterArtifacts | BucketArtifacts | S3Artifacts | VolumeArtifacts, Field(discriminator="kind")
    ]
    """Storage of MLflow's artifacts."""

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

    access: Access = Field(default_factory=Access)
    """How access is checked, and the contact shown to users without access."""

    workspaces: Workspaces = Field(default_factory=Workspaces)
    """Defaults for all teams."""

    teams: dict[values.TeamName, Team] = Field(min_length=1)
    """Teams by name; each gets a namespace and an MLflow workspace of that name."""

    @property
    def durable(self) -> bool:
        """True if resources with data are protected from deletion."""
        return self.profile != "evaluation"

    @property
    def audiences(self) -> tuple[str, ...]:
        """Audiences that MLflow accepts in service-account tokens.

        With `access.review` `self-subject`, MLflow passes the tokens on to the API server. The only audience is then
        the issuer's URL, because the API server accepts tokens with this audience.
        """
        if self.access.review == "self-subject":
            return (self.cluster.service_account_issuer,)
        return self.cluster.audiences

    def groups(self, team: str) -> dict[str, tuple[str, ...]]:
        """A team's groups by role; in an archived team all groups are viewers."""
        groups = (self.teams[team].groups or Groups(manager=(f"{team}-mlflow-users",))).by_role
        if self.teams[team].archived:
            return {"viewer": tuple(group for role in groups.values() for group in role), "editor": (), "manager": ()}
        return groups

    def service_accounts(self, team: str) -> tuple[tuple[str, str], ...]:
        """Namespace and name of each service account that a team lists; none while the team is archived."""
        if self.teams[team].archived:
            return ()
        return tuple(qualified(team, account) for account in self.teams[team].service_accounts)

    @property
    def client_namespaces(self) -> tuple[str, ...]:
        """Namespaces of the service accounts that teams list, without the teams' own namespaces."""
        namespaces = {namespace for team in self.teams for namespace, _ in self.service_accounts(team)}
        return tuple(sorted(namespaces - self.teams.keys()))

    def quota(self, team: str) -> Quota:
        """A team's quota (ResourceQuota): `workspaces.quota`, overridden by the team's own values."""
        return self.workspaces.quota.model_copy(update=self.teams[team].quota.model_dump(exclude_none=True))

    def limits(self, team: str) -> Limits:
        """A team's LimitRange: `workspaces.limits`, overridden by the team's own values."""
        return self.workspaces.limits.model_copy(update=self.teams[team].limits.model_dump(exclude_none=True))

    def members(self, team: str) -> dict[str, tuple[str, ...]]:
        """E-mail addresses of a team's members by role, with login kind `basic`.

        With other login kinds no role has members here: the identity provider puts each user's groups into the token.
        """
        users = self.login.users if isinstance(self.login, BasicLogin) else {}
        return {
            role: tuple(email for email, user in sorted(users.items()) if set(groups) & set(user.groups))
            for role, groups in self.groups(team).items()
        }
