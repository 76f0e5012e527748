"""Rules of the section `aws`, and of the bucket that the platform creates."""

from collections.abc import Iterator

from settings.faults import Fault, shown
from settings.partial import Key, key, known
from settings.schema.aws import Aws, IrsaIdentity
from settings.schema.bucket import BucketArtifacts
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings

# IAM's limit for names of roles and users, and the length of what follows a team's name: `-artifacts-role-`, 7 digits.
LONGEST_IAM_NAME = 64
BEHIND_TEAM = 23
LONGEST_TEAM = LONGEST_IAM_NAME - BEHIND_TEAM
# AWS allows 50 tags; the platform sets one itself.
MOST_TAGS, OWN_TAG = 49, "mlflow-platform"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


def _users(settings: Settings) -> list[RdsDatabase | BucketArtifacts]:
    """Sections for which the platform creates something at AWS; those of unknown kind are left out."""
    return [*known(_database(settings)), *known(_bucket(settings))]


def _database(settings: Settings) -> Iterator[RdsDatabase]:
    if isinstance(settings.database, RdsDatabase):
        yield settings.database


def _bucket(settings: Settings) -> Iterator[BucketArtifacts]:
    if isinstance(settings.artifacts, BucketArtifacts):
        yield settings.artifacts


def missing(settings: Settings) -> Iterator[Fault]:
    """Check that the section `aws` is set if the platform creates a database or a bucket at AWS."""
    path = key(settings, lambda one: one.aws)
    users = [f"{key(section, lambda one: one.kind)} `{section.kind}`" for section in _users(settings)]
    if users and not path.written:
        yield Fault(
            path,
            f"is missing; {' and '.join(users)} {'needs' if len(users) == 1 else 'need'} it",
            f"add `{path}` with region, accountId and identity",
        )


def unused(settings: Settings) -> Iterator[Fault]:
    """Check that the section `aws` is not set if the platform creates nothing at AWS."""
    path = key(settings, lambda one: one.aws)
    if path.written and not [*_database(settings), *_bucket(settings)]:
        yield Fault(
            path,
            "is not used: only database.kind `rds` and artifacts.kind `bucket` need it",
            f"remove `{path}`, or use one of these kinds",
        )


def provider_account(settings: Settings) -> Iterator[Fault]:
    """Check that the OIDC provider is in the account `aws.accountId`."""
    if settings.aws is not None and isinstance(settings.aws.identity, IrsaIdentity):
        provider = settings.aws.identity.oidc_provider
        yield from _foreign(key(settings.aws.identity, lambda one: one.oidc_provider), provider, settings.aws)


def boundary_account(settings: Settings) -> Iterator[Fault]:
    """Check that the permissions boundary is in the account `aws.accountId`, or is a policy that AWS manages."""
    if settings.aws is not None and settings.aws.permissions_boundary is not None:
        boundary = settings.aws.permissions_boundary
        yield from _foreign(key(settings.aws, lambda one: one.permissions_boundary), boundary, settings.aws)


def _foreign(path: Key, arn: str, aws: Aws, but: str = ", but", otherwise: str = "") -> Iterator[Fault]:
    owner = arn.split(":")[4]
    if owner not in (aws.account_id, "aws"):
        yield Fault(
            path,
            f"belongs to account {owner}{but} {key(aws, lambda one: one.account_id)} is {aws.account_id}",
            f"use an ARN in account {aws.account_id}{otherwise}",
        )


def keys(settings: Settings) -> Iterator[Fault]:
    """Check that KMS keys are in the region and the account of the section `aws`."""
    if settings.aws is not None:
        for section in _users(settings):
            yield from known(_key_region(settings.aws, section))
            yield from known(_key_account(settings.aws, section))


def _key_region(aws: Aws, section: RdsDatabase | BucketArtifacts) -> Iterator[Fault]:
    if section.kms_key is not None:
        region = section.kms_key.split(":")[3]
        if region != aws.region:
            yield Fault(
                key(section, lambda one: one.kms_key),
                f"is in {region}, but {key(aws, lambda one: one.region)} is {aws.region}",
                f"use a key in {aws.region}",
            )


def _key_account(aws: Aws, section: RdsDatabase | BucketArtifacts) -> Iterator[Fault]:
    if section.kms_key is not None:
        path, danger = key(section, lambda one: one.kms_key), ", whose administrators could make the data unreadable;"
        yield from _foreign(path, section.kms_key, aws, danger, f", or remove {path}")


def issuer(settings: Settings) -> Iterator[Fault]:
    """Check that the OIDC provider in IAM is the one for the cluster's service-account issuer."""
    if settings.aws is not None and isinstance(settings.aws.identity, IrsaIdentity):
        provider, cluster = settings.aws.identity, settings.cluster
        expected = f"https://{provider.oidc_provider.partition(':oidc-provider/')[2]}"
        path = key(provider, lambda one: one.oidc_provider)
        if cluster.issuer != expected:
            yield Fault(
                key(cluster, lambda one: one.service_account_issuer),
                f"expected {expected}, as in {path}, found {shown(cluster.issuer)}",
                f"write {expected}, or give {path} the ARN of this cluster's OIDC provider",
            )


def tags(settings: Settings) -> Iterator[Fault]:
    """Check that tags are within AWS's limits, and that none has the name of the platform's own tag."""
    if settings.aws is not None:
        path, count = key(settings.aws, lambda one: one.tags), len(settings.aws.tags)
        if count > MOST_TAGS:
            yield Fault(path, f"expected at most {MOST_TAGS} tags, found {count}", "remove some tags")
        for name in settings.aws.tags:
            if name.lower().startswith("aws:"):
                yield Fault(path.entry(name), "begins with aws:, which AWS reserves", "choose another name")
            if name == OWN_TAG:
                problem = "is the tag that the platform sets on all of its AWS resources"
                yield Fault(path.entry(name), problem, "choose another name")


def bucket_name(settings: Settings) -> Iterator[Fault]:
    """Check that S3 accepts the bucket's name, and that S3's TLS certificate covers the bucket's host name."""
    for bucket in _bucket(settings):
        path, name = key(bucket, lambda one: one.name), bucket.name or ""
        if "." in name:
            yield Fault(
                path,
                f"{shown(name)} contains a dot, so S3's certificate for *.s3.<region>.amazonaws.com does not cover the"
                " bucket's host name",
                f"write {name.replace('.', '-')}",
            )
        if name.startswith(RESERVED_STARTS) or name.endswith(RESERVED_ENDS):
            yield Fault(path, f"{shown(name)} is reserved by S3", "choose another name")


def direct_access(settings: Settings) -> Iterator[Fault]:
    """Check that direct access is used only with workspaces."""
    for bucket in _bucket(settings):
        if bucket.direct_access and not settings.workspaces.enabled:
            path = key(bucket, lambda one: one.direct_access)
            enabled = key(settings.workspaces, lambda one: one.enabled)
            yield Fault(path, f"needs workspaces to separate teams, but {enabled} is false", f"remove {path}")


def names_of_roles(settings: Settings) -> Iterator[Fault]:
    """Check that names of teams with direct access are short enough for IAM role names."""
    for bucket in _bucket(settings):
        access = key(bucket, lambda one: one.direct_access)
        for team in settings.teams if bucket.direct_access else ():
            if len(team) > LONGEST_TEAM:
                yield Fault(
                    key(settings, lambda one: one.teams).entry(team),
                    f"has {len(team)} characters, expected at most {LONGEST_TEAM}: with {access} an IAM role is named"
                    f" after the team, with {BEHIND_TEAM} more characters, and IAM allows {LONGEST_IAM_NAME}",
                    f"give the team a shorter name, or remove {access}",
                )


RULES = (
    missing,
    unused,
    provider_account,
    boundary_account,
    keys,
    issuer,
    tags,
    bucket_name,
    direct_access,
    names_of_roles,
)
