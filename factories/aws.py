"""What the platform has at AWS. Loads pulumi_aws, which takes seconds: imported where something is there."""

import pulumi

from components.artifacts.artifact_store import ArtifactStore, DirectAccess, OwnBucket, region_environment, s3_uri
from components.aws import policies
from components.aws.bucket import Bucket, BucketArgs
from components.aws.iam_role import RoleIdentity, RoleIdentityArgs
from components.aws.iam_user import UserIdentity, UserIdentityArgs
from components.aws.pod_identity import Identity, Irsa, PodIdentity
from components.aws.rds import Rds, RdsArgs
from components.aws.rds_access import SERVICE_ACCOUNT as DATABASE_ROLE_ACCOUNT
from components.aws.rds_access import RdsAccess, RdsAccessArgs
from components.aws.web_identity import to_aws
from components.database.database import Database
from components.kubernetes.pods import Attachment, joined
from components.mlflow.args import SERVICE_ACCOUNT
from components.team.client_environment import NAME as CLIENT
from factories.context import Context
from settings import AccessKeyIdentity, Aws, BucketArtifacts, IrsaIdentity, PodIdentityIdentity, RdsDatabase
from stackfile.amazon import MOST_STORAGE, gibibytes
from stackfile.rds import ADMINISTRATOR

# Where a team's programs find their access key; to be typed in `envFrom`.
TEAM_SECRET = "mlflow-artifacts"  # noqa: S105 - the name of a Secret


def bucket(context: Context, chosen: BucketArtifacts) -> ArtifactStore:
    """A bucket of the platform's own, and who the server is to it."""
    at = _aws(context)
    made = Bucket(
        "bucket",
        BucketArgs(
            bucket=chosen.name,
            key=chosen.kms_key,
            noncurrent_days=chosen.noncurrent_days,
            abort_days=chosen.abort_days,
            tiering_days=chosen.tiering_days,
            durable=context.settings.durable,
        ),
        context.opts,
    )
    policy = pulumi.Output.json_dumps(
        pulumi.Output.all(made.arn, made.key).apply(
            lambda known: policies.server(bucket=known[0], key=known[1], region=at.region)
        )
    )
    server = _pod(context, "server-identity", SERVICE_ACCOUNT, policy, "MLflow's server: its artifacts")
    return ArtifactStore(
        uri=s3_uri(made.name),
        attachment=joined(Attachment(env=region_environment(at.region)), server.attachment),
        flows=server.flows,
        ready=(*made.ready, *server.ready),
        own=OwnBucket(name=made.name, arn=made.arn, key=made.key) if chosen.direct_access else None,
    )


def rds(context: Context, chosen: RdsDatabase) -> Database:
    """An instance at RDS, MLflow's role in it, and who makes that."""
    at, storage = _aws(context), gibibytes(chosen.storage)
    made = Rds(
        "rds",
        RdsArgs(
            administrator=ADMINISTRATOR,
            instance_class=chosen.instance_class,
            storage=storage,
            max_storage=gibibytes(chosen.max_storage) if chosen.max_storage else min(2 * storage, MOST_STORAGE),
            multi_az=chosen.multi_az,
            backup_days=chosen.backup_days,
            backup_window=chosen.backup_window,
            maintenance_window=chosen.maintenance_window,
            key=chosen.kms_key,
            vpc=chosen.vpc,
            subnets=chosen.subnets,
            client_security_groups=chosen.client_security_groups,
            insights_days=chosen.performance_insights_days,
            max_connections=chosen.max_connections,
            durable=context.settings.durable,
        ),
        context.opts,
    )
    policy = pulumi.Output.json_dumps(
        pulumi.Output.all(made.administrator_secret, made.key).apply(
            lambda known: policies.secret_reader(secret=known[0], key=known[1], region=at.region)
        )
    )
    return RdsAccess(
        "database",
        RdsAccessArgs(
            namespace=context.namespace,
            image=context.image(context.settings.server.image),
            pull_secrets=context.pull_secrets,
            region=at.region,
            host=made.host,
            name=chosen.name,
            user=chosen.user,
            rotation=chosen.password_rotation,
            authority=chosen.authority,
            administrator_secret=made.administrator_secret,
            identity=_pod(
                context,
                "database-identity",
                DATABASE_ROLE_ACCOUNT,
                policy,
                "The Job that makes MLflow's role in its database: the administrator's password",
            ),
            trust=context.trust,
        ),
        context.opts,
    ).database


def direct_access(context: Context, team: str, own: OwnBucket) -> DirectAccess:
    """The way of a team's programs to the files of their own workspace, and who they are to the bucket."""
    at = _aws(context)
    kind = _role_kind(at)
    role = None
    if kind is not None:
        role = _role(
            context,
            f"{team}-artifacts",
            kind,
            namespace=team,
            service_account=CLIENT,
            policy=_team_policy(context, team, own),
            description=f"MLflow's team {team}: its own artifacts",
        )
    return DirectAccess(
        environment={
            "AWS_REGION": at.region,
            "AWS_DEFAULT_REGION": at.region,
            "WORKSPACE_ARTIFACTS": pulumi.Output.concat("s3://", own.name, f"/{policies.WORKSPACES}/{team}/"),
        },
        flows=(to_aws(),) if role is None else role.flows,
        annotations={} if role is None else role.annotations,
    )


def team_key(context: Context, team: str, namespace: pulumi.Input[str], own: OwnBucket) -> None:
    """A team's access key in its namespace, where its pods cannot take a role."""
    if _role_kind(_aws(context)) is None:
        _key(context, f"{team}-artifacts", namespace, _team_policy(context, team, own), secret=TEAM_SECRET)


def _team_policy(context: Context, team: str, own: OwnBucket) -> pulumi.Output[str]:
    region = _aws(context).region
    return pulumi.Output.json_dumps(
        pulumi.Output.all(own.arn, own.key).apply(
            lambda known: policies.team(team, bucket=known[0], key=known[1], region=region)
        )
    )


def _aws(context: Context) -> Aws:
    if context.settings.aws is None:
        raise TypeError("the section `aws` is missing: load() reports it first")
    return context.settings.aws


def _pod(context: Context, name: str, service_account: str, policy: pulumi.Input[str], description: str) -> Identity:
    """Who pods of a service account of the platform's own are."""
    kind = _role_kind(_aws(context))
    if kind is None:
        return _key(context, name, context.namespace, policy)
    return _role(
        context,
        name,
        kind,
        namespace=context.namespace,
        service_account=service_account,
        policy=policy,
        description=description,
    )


def _role_kind(at: Aws) -> Irsa | PodIdentity | None:
    """How pods take roles; None where they cannot."""
    match at.identity:
        case IrsaIdentity(oidc_provider=provider):
            return Irsa(provider=provider)
        case PodIdentityIdentity(cluster_name=cluster):
            return PodIdentity(cluster=cluster)
        case AccessKeyIdentity():
            return None


def _role(
    context: Context,
    name: str,
    kind: Irsa | PodIdentity,
    *,
    namespace: pulumi.Input[str],
    service_account: str,
    policy: pulumi.Input[str],
    description: str,
) -> Identity:
    return RoleIdentity(
        name,
        RoleIdentityArgs(
            kind=kind,
            namespace=namespace,
            service_account=service_account,
            policy=policy,
            description=description,
            permissions_boundary=_aws(context).permissions_boundary,
        ),
        context.opts,
    ).identity


def _key(
    context: Context, name: str, namespace: pulumi.Input[str], policy: pulumi.Input[str], secret: str | None = None
) -> Identity:
    at = _aws(context)
    return UserIdentity(
        name,
        UserIdentityArgs(
            rotation=at.identity.rotation if isinstance(at.identity, AccessKeyIdentity) else 1,
            namespace=namespace,
            policy=policy,
            permissions_boundary=at.permissions_boundary,
            secret=secret,
        ),
        context.opts,
    ).identity
