"""The stack file as types: the only reader of configuration.

`load` reads the stack's configuration once and reports every fault in one go. Secrets are not part of the model:
they stay Pulumi outputs from the first moment (`Secrets`). Each section of the file is declared in `stackfile/model/`;
how faults are found and worded is in the rest of `stackfile/`.
"""

import json
from dataclasses import dataclass
from typing import Annotated

import pulumi
from pydantic import Field, ValidationError

from stackfile import source, values
from stackfile.cautions import cautions
from stackfile.contradictions import contradictions
from stackfile.draft import Draft
from stackfile.faults import Fault, report
from stackfile.model.access import Access
from stackfile.model.artifacts import InClusterArtifacts, S3Artifacts, VolumeArtifacts
from stackfile.model.aws import AccessKeyIdentity, Aws, IrsaIdentity, PodIdentityIdentity
from stackfile.model.base import Model
from stackfile.model.bucket import BucketArtifacts
from stackfile.model.certificate import CertificateSecret, SelfSigned
from stackfile.model.cluster import Cluster
from stackfile.model.database import ExternalDatabase, InClusterDatabase, SqliteDatabase
from stackfile.model.gateway import HttpRouteGateway, IngressGateway
from stackfile.model.login import BasicLogin, DevelopmentLogin, OidcLogin, Sessions
from stackfile.model.rds import RdsDatabase
from stackfile.model.server import Images, Server
from stackfile.model.teams import Groups, Limits, Quota, Team, Workspaces
from stackfile.profiles import Profile, applied
from stackfile.programs import qualified
from stackfile.secrets import PROJECT, Secrets, read_secrets, required, secret_faults
from stackfile.source import Source, source_faults
from stackfile.translation import translate

__all__ = [
    "PROJECT",
    "AccessKeyIdentity",
    "Aws",
    "BasicLogin",
    "BucketArtifacts",
    "CertificateSecret",
    "DevelopmentLogin",
    "ExternalDatabase",
    "HttpRouteGateway",
    "InClusterArtifacts",
    "InClusterDatabase",
    "IrsaIdentity",
    "Judgement",
    "OidcLogin",
    "PodIdentityIdentity",
    "RdsDatabase",
    "S3Artifacts",
    "Secrets",
    "SelfSigned",
    "Settings",
    "SqliteDatabase",
    "Team",
    "VolumeArtifacts",
    "judge",
    "load",
    "required",
]


class Settings(Model):
    """Everything that a stack file says, without the secrets."""

    profile: Profile
    """`evaluation` may be destroyed; `small`, for one team, and `production` protect their data and refuse more."""

    host: values.Host
    """The one public host name; every URL of the platform follows from it."""

    namespace: values.Namespace = "mlflow"
    """Namespace of the platform itself."""

    create_namespace: values.Flag = True
    """Whether `up` creates it; `false` is for one that exists and is the platform's alone."""

    cluster: Cluster = Field(default_factory=Cluster)
    """What the platform must know of the Kubernetes cluster."""

    gateway: Annotated[IngressGateway | HttpRouteGateway, Field(discriminator="kind")] = IngressGateway(kind="ingress")
    """The way in from outside the cluster."""

    aws: Aws | None = None
    """Where at AWS the platform has a database or a bucket, and who its pods are there."""

    database: Annotated[
        InClusterDatabase | RdsDatabase | ExternalDatabase | SqliteDatabase, Field(discriminator="kind")
    ]
    """Where MLflow keeps its metadata."""

    artifacts: Annotated[
        InClusterArtifacts | BucketArtifacts | S3Artifacts | VolumeArtifacts, Field(discriminator="kind")
    ]
    """Where MLflow keeps artifacts."""

    login: Annotated[DevelopmentLogin | OidcLogin | BasicLogin, Field(discriminator="kind")]
    """Who may sign in."""

    sessions: Sessions = Field(default_factory=Sessions)
    """How long a browser stays signed in."""

    certificate: Annotated[SelfSigned | CertificateSecret, Field(discriminator="kind")]
    """Where the TLS certificate of the host comes from."""

    server: Server
    """Image and sizes of the MLflow server."""

    images: Images = Field(default_factory=Images)
    """Images of everything else, and where all images are pulled from."""

    access: Access = Field(default_factory=Access)
    """How Kubernetes RBAC is asked, and what people hear whom it gives nothing."""

    workspaces: Workspaces = Field(default_factory=Workspaces)
    """What every team gets that says nothing else."""

    teams: dict[values.TeamName, Team] = Field(min_length=1)
    """The teams, by name; each gets a namespace and an MLflow workspace of that name."""

    @property
    def durable(self) -> bool:
        """Whether whatever holds data is protected."""
        return self.profile != "evaluation"

    @property
    def audiences(self) -> tuple[str, ...]:
        """Audiences of the service-account tokens that open MLflow: in a strict review those that Kubernetes takes."""
        if self.access.review == "self-subject":
            return (self.cluster.service_account_issuer,)
        return self.cluster.audiences

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

    def members(self, team: str) -> dict[str, tuple[str, ...]]:
        """Users of the basic login by their role in a team: nobody asserts their groups at run time."""
        users = self.login.users if isinstance(self.login, BasicLogin) else {}
        return {
            role: tuple(email for email, user in sorted(users.items()) if set(groups) & set(user.groups))
            for role, groups in self.groups(team).items()
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a stack file means, and what is to be said about it."""

    settings: Settings | None
    """None where a value is wrong or missing."""

    faults: list[Fault]
    """Every one but those of the secrets."""

    warnings: list[Fault]
    """What is allowed, and worth a second look."""


def load() -> tuple[Settings, Secrets]:
    """Read the stack's configuration, and show what is worth a second look as warnings of the engine.

    Raises:
        pulumi.RunError: the configuration has faults; the message lists all of them, each with its key, what was
            expected and what to do.
    """
    given, stack = source.read(), pulumi.get_stack()
    judged = judge(given, stack)
    faults = [*judged.faults, *secret_faults(given.document, given.secrets, stack)]
    if judged.settings is None or faults:
        # Without the cause, whose own words may show a secret.
        raise pulumi.RunError(report(faults, f"Pulumi.{stack}.yaml"))
    for warning in judged.warnings:
        pulumi.warn(str(warning))
    return judged.settings, read_secrets()


def judge(given: Source, stack: str) -> Judgement:
    """What a stack file means with its profile's values where it says nothing."""
    settings: Settings | None = None
    faults: list[Fault] = []
    try:
        # As JSON, where a strict model takes lists for tuples.
        settings = Settings.model_validate_json(json.dumps(applied(given.document, Settings)))
    except ValidationError as error:
        faults += translate(error, Settings, stack=stack, encrypted=given.encrypted)
    draft = Draft(given.document, Settings)
    faults += contradictions(draft)
    faults += source_faults(given, faults)
    return Judgement(settings=settings, faults=faults, warnings=list(cautions(draft)))
