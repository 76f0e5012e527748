"""Checks of AWS settings that contradict each other: the section `aws` and the bucket."""

from collections.abc import Iterator

from stackfile import amazon
from stackfile.draft import Draft
from stackfile.faults import Fault, path_of, shown

# Sections and kinds that need the section `aws`.
USERS = (("database", "rds"), ("artifacts", "bucket"))
# IAM's limit for names of roles and users, and the length of what follows a team's name: `-artifacts-role-`, 7 digits.
LONGEST_IAM_NAME = 64
BEHIND_TEAM = 23
LONGEST_TEAM = LONGEST_IAM_NAME - BEHIND_TEAM
# AWS allows 50; the platform sets one itself.
MOST_TAGS, OWN_TAG = 49, "mlflow-platform"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


def needed(draft: Draft) -> Iterator[Fault]:
    """The section `aws` is set exactly if database or artifacts are at AWS."""
    users = [f"{section}.kind `{kind}`" for section, kind in USERS if draft.text(f"{section}.kind") == kind]
    if users and not draft.says("aws"):
        yield Fault(
            "aws",
            f"is missing; {' and '.join(users)} {'needs' if len(users) == 1 else 'need'} it",
            "add it, with region, accountId and identity",
        )
    elif not users and draft.says("aws"):
        yield Fault(
            "aws",
            "is not used: neither database nor artifacts are at AWS",
            "remove it, or use database.kind `rds` or artifacts.kind `bucket`",
        )


def account(draft: Draft) -> Iterator[Fault]:
    """ARNs belong to the account, and KMS keys to the region."""
    number, region = draft.text("aws.accountId"), draft.text("aws.region")
    for path in ("aws.identity.oidcProvider", "aws.permissionsBoundary"):
        arn = draft.text(path)
        owner = arn.split(":")[4] if arn else None
        if owner not in (None, number, "aws") and number is not None:
            yield Fault(path, f"belongs to account {owner}, and aws.accountId is {number}", "use one of that account")
    for section, kind in USERS:
        key = draft.text(f"{section}.kmsKey") if draft.text(f"{section}.kind") == kind else None
        if key is None:
            continue
        where, whose = amazon.owner_of(key)
        if region is not None and where != region:
            yield Fault(f"{section}.kmsKey", f"is in {where}, and aws.region is {region}", "use a key in that region")
        if number is not None and whose != number:
            yield Fault(
                f"{section}.kmsKey",
                f"belongs to account {whose}, whose administrators could make the data unreadable;"
                f" aws.accountId is {number}",
                "use a key of that account, or remove it",
            )


def issuer(draft: Draft) -> Iterator[Fault]:
    """The OIDC provider in IAM has the issuer of the cluster."""
    provider = draft.text("aws.identity.oidcProvider")
    if provider is None:
        return
    expected = f"https://{provider.partition(':oidc-provider/')[2]}"
    found = draft.text("cluster.serviceAccountIssuer")
    if found is not None and found != expected:
        yield Fault(
            "cluster.serviceAccountIssuer",
            f"expected {expected}, the issuer in aws.identity.oidcProvider, found {shown(found)}",
            "use that issuer, or the OIDC provider of this cluster",
        )


def tags(draft: Draft) -> Iterator[Fault]:
    """AWS accepts the tags."""
    found = draft.section("aws.tags")
    if len(found) > MOST_TAGS:
        yield Fault("aws.tags", f"expected at most {MOST_TAGS} tags, found {len(found)}", "remove some")
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
    """S3 accepts the bucket's name, and its TLS certificate covers it."""
    if draft.text("artifacts.kind") != "bucket":
        return
    name = draft.text("artifacts.name") or ""
    if "." in name:
        yield Fault(
            "artifacts.name",
            f"{shown(name)} contains a dot, and AWS's certificate covers one label before s3.<region>.amazonaws.com",
            f"write {name.replace('.', '-')}",
        )
    if name.startswith(RESERVED_STARTS) or name.endswith(RESERVED_ENDS):
        yield Fault("artifacts.name", f"{shown(name)} is reserved by S3", "choose another name")


def direct_access(draft: Draft) -> Iterator[Fault]:
    """Direct access needs workspaces, and team names that are short enough for IAM."""
    if draft.text("artifacts.kind") != "bucket" or draft.value("artifacts.directAccess") is not True:
        return
    if draft.value("workspaces.enabled") is False:
        yield Fault(
            "artifacts.directAccess",
            "separates teams by workspace, and workspaces.enabled is false",
            "remove it",
        )
    for team in draft.section("teams"):
        if len(team) > LONGEST_TEAM:
            yield Fault(
                path_of(("teams", team)),
                f"has {len(team)} characters; with artifacts.directAccess it is part of an IAM name, which allows"
                f" {LONGEST_IAM_NAME} - {BEHIND_TEAM} for the rest = {LONGEST_TEAM}",
                "give the team a shorter name, or remove artifacts.directAccess",
            )


RULES = (needed, account, issuer, tags, bucket, direct_access)
