"""Settings of AWS that are right one by one and wrong together: the section `aws` and the bucket."""

from collections.abc import Iterator

from stackfile import amazon
from stackfile.draft import Draft
from stackfile.faults import Fault, path_of, shown

# Whose kind needs the section `aws`.
USERS = (("database", "rds"), ("artifacts", "bucket"))
# IAM's limit for names of roles and users, and what goes behind a team's name: `-artifacts-role-` and 7 digits.
LONGEST_IAM_NAME = 64
BEHIND_TEAM = 23
LONGEST_TEAM = LONGEST_IAM_NAME - BEHIND_TEAM
# AWS takes 50; one is the platform's own.
MOST_TAGS, OWN_TAG = 49, "mlflow-platform"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")


def needed(draft: Draft) -> Iterator[Fault]:
    """The section is there when something is at AWS, and only then."""
    users = [f"{section}.kind `{kind}`" for section, kind in USERS if draft.text(f"{section}.kind") == kind]
    if users and not draft.says("aws"):
        yield Fault("aws", f"is missing; {' and '.join(users)} needs it", "add it, with region, accountId and identity")
    elif not users and draft.says("aws"):
        yield Fault("aws", "has no use: nothing of the platform's is at AWS", "remove it, or use database.kind `rds`")


def account(draft: Draft) -> Iterator[Fault]:
    """What is named by an ARN is in the account, and a key in the region too."""
    number, region = draft.text("aws.accountId"), draft.text("aws.region")
    for path in ("aws.identity.oidcProvider", "aws.permissionsBoundary"):
        arn = draft.text(path)
        owner = arn.split(":")[4] if arn else None
        if owner not in (None, number, "aws") and number is not None:
            yield Fault(path, f"is of the account {owner}, and aws.accountId is {number}", "name one of that account")
    for section, kind in USERS:
        key = draft.text(f"{section}.kmsKey") if draft.text(f"{section}.kind") == kind else None
        if key is None:
            continue
        where, whose = amazon.owner_of(key)
        if region is not None and where != region:
            yield Fault(f"{section}.kmsKey", f"is in {where}, and aws.region is {region}", "name a key of that region")
        if number is not None and whose != number:
            yield Fault(
                f"{section}.kmsKey",
                f"is of the account {whose}, whose administrators could lock the platform out of its data;"
                f" aws.accountId is {number}",
                "name a key of that account, or leave it out",
            )


def issuer(draft: Draft) -> Iterator[Fault]:
    """IAM and the login know the cluster by the same issuer."""
    provider = draft.text("aws.identity.oidcProvider")
    if provider is None:
        return
    expected = f"https://{provider.partition(':oidc-provider/')[2]}"
    found = draft.text("cluster.serviceAccountIssuer")
    if found is not None and found != expected:
        yield Fault(
            "cluster.serviceAccountIssuer",
            f"expected {expected}, the issuer behind aws.identity.oidcProvider, found {shown(found)}",
            "write that one, or the ARN of the provider for this cluster",
        )


def tags(draft: Draft) -> Iterator[Fault]:
    """Tags are some that AWS takes."""
    found = draft.section("aws.tags")
    if len(found) > MOST_TAGS:
        yield Fault("aws.tags", f"expected at most {MOST_TAGS} tags, found {len(found)}", "remove some")
    for name in found:
        if name.lower().startswith("aws:"):
            yield Fault(path_of(("aws", "tags", name)), "begins with aws:, which is AWS's own", "choose another name")
        if name == OWN_TAG:
            yield Fault(
                path_of(("aws", "tags", name)),
                "is the tag by which the platform's own things are found; its value is the host",
                "choose another name",
            )


def bucket(draft: Draft) -> Iterator[Fault]:
    """The bucket has a name that S3 gives out and that a certificate covers."""
    if draft.text("artifacts.kind") != "bucket":
        return
    name = draft.text("artifacts.name") or ""
    if "." in name:
        yield Fault(
            "artifacts.name",
            f"{shown(name)} has a dot, and AWS's certificate covers one label before s3.<region>.amazonaws.com",
            f"write {name.replace('.', '-')}",
        )
    if name.startswith(RESERVED_STARTS) or name.endswith(RESERVED_ENDS):
        yield Fault("artifacts.name", f"{shown(name)} is reserved by S3", "choose another name")


def direct_access(draft: Draft) -> Iterator[Fault]:
    """IAM takes a name that is made of the team's."""
    if draft.text("artifacts.kind") != "bucket" or draft.value("artifacts.directAccess") is not True:
        return
    if draft.value("workspaces.enabled") is False:
        yield Fault(
            "artifacts.directAccess",
            "gives each team the files of its own workspace, and workspaces.enabled is false",
            "leave it out",
        )
    for team in draft.section("teams"):
        if len(team) > LONGEST_TEAM:
            yield Fault(
                path_of(("teams", team)),
                f"has {len(team)} characters; with artifacts.directAccess its name is part of one in IAM, which takes"
                f" {LONGEST_IAM_NAME} - {BEHIND_TEAM} for the rest = {LONGEST_TEAM}",
                "give the team a shorter name, or leave artifacts.directAccess out",
            )


RULES = (needed, account, issuer, tags, bucket, direct_access)
