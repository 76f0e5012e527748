"""Checks for AWS settings that contradict each other, in the section `aws` and for the bucket."""

from collections.abc import Iterator

from settings.draft import Draft
from settings.faults import Fault, path_of, shown
from settings.types import amazon

# Sections and kinds that need the section `aws`.
USERS = (("database", "rds"), ("artifacts", "bucket"))
# IAM's limit for names of roles and users, and the length of what follows a team's name: `-artifacts-role-`, 7 digits.
LONGEST_IAM_NAME = 64
BEHIND_TEAM = 23
LONGEST_TEAM = LONGEST_IAM_NAME - BEHIND_TEAM
# AWS allows 50 tags; the platform sets one itself.
MOST_TAGS, OWN_TAG = 49, "mlflow-platform"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


def needed(draft: Draft) -> Iterator[Fault]:
    """Check that the section `aws` is set if, and only if, the platform creates a database or a bucket at AWS."""
    users = [f"{section}.kind `{kind}`" for section, kind in USERS if draft.text(f"{section}.kind") == kind]
    if users and not draft.says("aws"):
        yield Fault(
            "aws",
            f"is missing; {' and '.join(users)} {'needs' if len(users) == 1 else 'need'} it",
            "add `aws` with region, accountId and identity",
        )
    elif not users and draft.says("aws"):
        yield Fault(
            "aws",
            "is not used: only database.kind `rds` and artifacts.kind `bucket` need it",
            "remove `aws`, or use one of these kinds",
        )


def account(draft: Draft) -> Iterator[Fault]:
    """Check that ARNs are in the account `aws.accountId`, and KMS keys also in the region `aws.region`."""
    number, region = draft.text("aws.accountId"), draft.text("aws.region")
    for path in ("aws.identity.oidcProvider", "aws.permissionsBoundary"):
        arn = draft.text(path)
        owner = arn.split(":")[4] if arn else None
        if owner not in (None, number, "aws") and number is not None:
            yield Fault(
                path, f"belongs to account {owner}, but aws.accountId is {number}", f"use an ARN in account {number}"
            )
    for section, kind in USERS:
        key = draft.text(f"{section}.kmsKey") if draft.text(f"{section}.kind") == kind else None
        if key is None:
            continue
        where, whose = amazon.owner_of(key)
        if region is not None and where != region:
            yield Fault(f"{section}.kmsKey", f"is in {where}, but aws.region is {region}", f"use a key in {region}")
        if number is not None and whose != number:
            yield Fault(
                f"{section}.kmsKey",
                f"belongs to account {whose}, whose administrators could make the data unreadable;"
                f" aws.accountId is {number}",
                f"use a key in account {number}, or remove {section}.kmsKey",
            )


def issuer(draft: Draft) -> Iterator[Fault]:
    """Check that the OIDC provider in IAM is the one for the cluster's service-account issuer."""
    provider = draft.text("aws.identity.oidcProvider")
    if provider is None:
        return
    expected = f"https://{provider.partition(':oidc-provider/')[2]}"
    found = draft.text("cluster.serviceAccountIssuer")
    if found is not None and found != expected:
        yield Fault(
            "cluster.serviceAccountIssuer",
            f"expected {expected}, the issuer in aws.identity.oidcProvider, found {shown(found)}",
            "use that issuer, or in aws.identity.oidcProvider the ARN of this cluster's OIDC provider",
        )


def tags(draft: Draft) -> Iterator[Fault]:
    """Check that tags are within AWS's limits, and that none has the name of the platform's own tag."""
    found = draft.section("aws.tags")
    if len(found) > MOST_TAGS:
        yield Fault("aws.tags", f"expected at most {MOST_TAGS} tags, found {len(found)}", "remove some tags")
    for name in found:
        if name.lower().startswith("aws:"):
            yield Fault(path_of(("aws", "tags", name)), "begins with aws:, which AWS reserves", "choose another name")
        if name == OWN_TAG:
            yield Fault(
                path_of(("aws", "tags", name)),
                "is the tag that the platform sets on all of its AWS resources",
                "choose another name",
            )


def bucket(draft: Draft) -> Iterator[Fault]:
    """Check that S3 accepts the bucket's name, and that S3's TLS certificate covers the bucket's host name."""
    if draft.text("artifacts.kind") != "bucket":
        return
    name = draft.text("artifacts.name") or ""
    if "." in name:
        yield Fault(
            "artifacts.name",
            f"{shown(name)} contains a dot, so S3's certificate for *.s3.<region>.amazonaws.com does not cover the"
            " bucket's host name",
            f"write {name.replace('.', '-')}",
        )
    if name.startswith(RESERVED_STARTS) or name.endswith(RESERVED_ENDS):
        yield Fault("artifacts.name", f"{shown(name)} is reserved by S3", "choose another name")


def direct_access(draft: Draft) -> Iterator[Fault]:
    """Check that direct access is used only with workspaces, and with team names short enough for IAM role names."""
    if draft.text("artifacts.kind") != "bucket" or draft.value("artifacts.directAccess") is not True:
        return
    if draft.value("workspaces.enabled") is False:
        yield Fault(
            "artifacts.directAccess",
            "needs workspaces to separate teams, but workspaces.enabled is false",
            "remove artifacts.directAccess",
        )
    for team in draft.section("teams"):
        if len(team) > LONGEST_TEAM:
            yield Fault(
                path_of(("teams", team)),
                f"has {len(team)} characters, expected at most {LONGEST_TEAM}: with artifacts.directAccess the name of"
                f" an IAM role is the team's name and {BEHIND_TEAM} more characters, and IAM allows {LONGEST_IAM_NAME}",
                "give the team a shorter name, or remove artifacts.directAccess",
            )


RULES = (needed, account, issuer, tags, bucket, direct_access)
