"""Creation of the S3 bucket, the RDS database and the IAM roles or users at AWS.

This module loads pulumi_aws, which takes seconds: import it only in functions that need it.
"""

import pulumi

from components.artifacts.artifact_store import (
    TEAM_SECRET,
    ArtifactStore,
    DirectAccess,
    OwnBucket,
    region_environment,
    s3_uri,
    workspace_folder,
)
from components.aws import policies
from components.aws.bucket import Bucket, BucketArgs
from components.aws.iam_role import RoleIdentity, RoleIdentityArgs
from components.aws.iam_user import UserIdentity, UserIdentityArgs
from components.aws.pod_identity import AwsIdentity, Irsa, PodIdentity
from components.aws.rds import Rds, RdsArgs
from components.aws.rds_access import SERVICE_ACCOUNT as DATABASE_ROLE_ACCOUNT
from components.aws.rds_access import RdsAccess, RdsAccessArgs
from components.aws.web_identity import to_aws
from components.database.database import Database
from components.kubernetes.http_proxy import Outside
from components.kubernetes.pods import Attachment, joined
from components.mlflow.args import SERVICE_ACCOUNT
from components.team.client_environment import NAME as CLIENT
from factories.context import Context
from settings.schema.aws import AccessKeyIdentity, Aws, IrsaIdentity, PodIdentityIdentity
from settings.schema.bucket import BucketArtifacts
from settings.schema.rds import ADMINISTRATOR, RdsDatabase
from settings.types.amazon import MOST_STORAGE, size_in_gibibytes

# Endpoints that the Job which creates MLflow's database role asks.
DATABASE_ROLE_SERVICES = ("secretsmanager", "sts")


def bucket(context: Context, artifacts: BucketArtifacts) -> ArtifactStore:
    """The artifact store in a new S3 bucket, with the server's AWS identity."""
    aws = _aws(context)
    resource = Bucket(
        "bucket",
        BucketArgs(
            bucket=artifacts.name,
            key=artifacts.kms_key,
            noncurrent_days=artifacts.noncurrent_days,
            abort_days=artifacts.abort_days,
            tiering_days=artifacts.tiering_days,
            durable=context.settings.durable,
        ),
        context.opts,
    )
    policy = pulumi.Output.json_dumps(
        pulumi.Output.all(resource.arn, resource.key).apply(
            lambda arns: policies.server(bucket=arns[0], prefix=artifacts.prefix, key=arns[1], region=aws.region)
        )
    )
    server = _pod(
        context,
        "server-identity",
        SERVICE_ACCOUNT,
        policy,
        "Access of the MLflow server to its artifacts",
        way=to_aws(aws.region, proxy=context.proxy),
    )
    return ArtifactStore(
        uri=s3_uri(resource.name, artifacts.prefix),
        attachment=joined(Attachment(env=region_environment(aws.region)), server.attachment),
        flows=server.flows,
        ready=(*resource.ready, *server.ready),
        direct_bucket=OwnBucket(name=resource.name, arn=resource.arn, key=resource.key, prefix=artifacts.prefix)
        if artifacts.direct_access
        else None,
    )


def rds(context: Context, database: RdsDatabase) -> Database:
    """An instance at RDS, MLflow's database role, and the AWS identity of the Job that creates the role."""
    aws, storage = _aws(context), size_in_gibibytes(database.storage)
    instance = Rds(
        "rds",
        RdsArgs(
            administrator=ADMINISTRATOR,
            instance_class=database.instance_class,
            storage=storage,
            max_storage=size_in_gibibytes(database.max_storage)
            if database.max_storage
            else min(2 * storage, MOST_STORAGE),
            multi_az=database.multi_az,
            backup_days=database.backup_days,
            backup_window=database.backup_window,
            maintenance_window=database.maintenance_window,
            key=database.kms_key,
            vpc=database.vpc,
            subnets=database.subnets,
            client_security_groups=database.client_security_groups,
            insights_days=database.performance_insights_days,
            max_connections=database.max_connections,
            durable=context.settings.durable,
        ),
        context.opts,
    )
    policy = pulumi.Output.json_dumps(
        pulumi.Output.all(instance.administrator_secret, instance.key).apply(
            lambda arns: policies.secret_reader(secret=arns[0], key=arns[1], region=aws.region)
        )
    )
    return RdsAccess(
        "database",
        RdsAccessArgs(
            namespace=context.namespace,
            image=context.image(context.settings.server.image),
            pull_secrets=context.pull_secrets,
            scheduling=context.scheduling,
            region=aws.region,
            host=instance.host,
            name=database.name,
            user=database.user,
            rotation=database.password_rotation,
            authority=database.authority,
            administrator_secret=instance.administrator_secret,
            identity=_pod(
                context,
                "database-identity",
                DATABASE_ROLE_ACCOUNT,
                policy,
                "Access of the Job that creates MLflow's database role to the administrator's password",
                way=to_aws(aws.region, DATABASE_ROLE_SERVICES, context.proxy),
            ),
            trust=context.trust,
        ),
        context.opts,
    ).database


def direct_access(context: Context, team: str, own_bucket: OwnBucket) -> DirectAccess:
    """Direct access of a team's programs to their workspace's artifacts in the bucket, with their AWS identity."""
    aws = _aws(context)
    kind = _role_kind(aws)
    role = None
    if kind is not None:
        role = _role(
            context,
            f"{team}-artifacts",
            kind,
            namespace=team,
            service_account=CLIENT,
            policy=_team_policy(context, team, own_bucket),
            description=f"Access of MLflow's team {team} to its own artifacts",
        )
    return DirectAccess(
        environment={
            "AWS_REGION": aws.region,
            "AWS_DEFAULT_REGION": aws.region,
            "WORKSPACE_ARTIFACTS": pulumi.Output.concat(
                "s3://", own_bucket.name, "/", workspace_folder(team, own_bucket.prefix)
            ),
        },
        flows=to_aws().flows if role is None else role.flows,
        annotations={} if role is None else role.annotations,
    )


def team_key(context: Context, team: str, namespace: pulumi.Input[str], own_bucket: OwnBucket) -> None:
    """Create a Secret with an access key in a team's namespace, if the team's pods cannot assume an IAM role."""
    if _role_kind(_aws(context)) is None:
        _key(context, f"{team}-artifacts", namespace, _team_policy(context, team, own_bucket), secret=TEAM_SECRET)


def _team_policy(context: Context, team: str, own_bucket: OwnBucket) -> pulumi.Output[str]:
    region = _aws(context).region
    return pulumi.Output.json_dumps(
        pulumi.Output.all(own_bucket.arn, own_bucket.key).apply(
            lambda arns: policies.team(team, bucket=arns[0], prefix=own_bucket.prefix, key=arns[1], region=region)
        )
    )


def _aws(context: Context) -> Aws:
    if context.settings.aws is None:
        raise TypeError("the section `aws` is missing, which `settings.load` should have reported")
    return context.settings.aws


def _pod(
    context: Context,
    name: str,
    service_account: str,
    policy: pulumi.Input[str],
    description: str,
    *,
    way: Outside,
) -> AwsIdentity:
    """AWS identity of the platform's pods with the service account `service_account`; `way` leads to AWS."""
    kind = _role_kind(_aws(context))
    if kind is None:
        return _key(context, name, context.namespace, policy, way=way)
    return _role(
        context,
        name,
        kind,
        namespace=context.namespace,
        service_account=service_account,
        policy=policy,
        description=description,
        way=way,
    )


def _role_kind(aws: Aws) -> Irsa | PodIdentity | None:
    """The mechanism by which pods assume roles; None if they use access keys."""
    match aws.identity:
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
    way: Outside | None = None,
) -> AwsIdentity:
    return RoleIdentity(
        name,
        RoleIdentityArgs(
            kind=kind,
            namespace=namespace,
            service_account=service_account,
            policy=policy,
            description=description,
            permissions_boundary=_aws(context).permissions_boundary,
            # Teams' pods, which `way` is None for, get no proxy.
            aws=way or to_aws(),
        ),
        context.opts,
    ).identity


def _key(
    context: Context,
    name: str,
    namespace: pulumi.Input[str],
    policy: pulumi.Input[str],
    *,
    secret: str | None = None,
    way: Outside | None = None,
) -> AwsIdentity:
    aws = _aws(context)
    return UserIdentity(
        name,
        UserIdentityArgs(
            rotation=aws.identity.rotation if isinstance(aws.identity, AccessKeyIdentity) else 1,
            namespace=namespace,
            policy=policy,
            permissions_boundary=aws.permissions_boundary,
            secret=secret,
            aws=way or to_aws(),
        ),
        context.opts,
    ).identity
