"""Wrong combinations of AWS settings."""

from tests.settings.cases import EXTERNAL, S3, Case
from tests.settings.stack_files import committed

PROD = committed("prod")
AWS, RDS = PROD["aws"], PROD["database"]
ACCOUNT = "210987654321"
LONG = "a-team-whose-name-is-far-too-long-for-iam-to-take"
SUBNET, GROUP = RDS["subnets"][0], RDS["clientSecurityGroups"][0]
KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
PERMISSIONS = "arn:aws:iam::{}:policy/boundary"


def case(changes: dict[str, object], path: str, problem: str, remedy: str) -> Case:
    """A case that changes the `prod` stack."""
    return Case(changes, path, problem, remedy, base="prod")


CASES = {
    # The section.
    "a database at AWS without the section aws": case(
        {"aws": ..., "artifacts": S3}, "aws", "is missing; database.kind `rds` needs it", "add `aws`"
    ),
    "a bucket at AWS without the section aws": case(
        {"aws": ..., "database": EXTERNAL}, "aws", "is missing; artifacts.kind `bucket` needs it", "add `aws`"
    ),
    "both at AWS without the section aws": case(
        {"aws": ...}, "aws", "database.kind `rds` and artifacts.kind `bucket` need it", "accountId and identity"
    ),
    "an AWS section that nothing uses": case(
        {"database": EXTERNAL, "artifacts": S3},
        "aws",
        "is not used: only database.kind `rds` and artifacts.kind `bucket` need it",
        "remove `aws`, or use one of these kinds",
    ),
    "an account without its zeros": case(
        {"aws/accountId": "1234567890"}, "aws.accountId", "expected a 12-digit AWS account ID", '"001234567890"'
    ),
    "an account as a number": case(
        {"aws/accountId": 123456789012}, "aws.accountId", "expected a 12-digit AWS account ID", "write it in quotes"
    ),
    "a zone for the region": case({"aws/region": "eu-central-1a"}, "aws.region", "expected a region", "eu-central-1"),
    "an issuer for the provider": case(
        {"aws/identity/oidcProvider": "https://oidc.eks.eu-central-1.amazonaws.com/id/0"},
        "aws.identity.oidcProvider",
        "expected the ARN of an OIDC provider",
        "that is the issuer's URL: write the provider's ARN",
    ),
    "roles by tokens without a provider": case(
        {"aws/identity": {"kind": "irsa"}}, "aws.identity.oidcProvider", "is missing", "add `oidcProvider:`"
    ),
    "Pod Identity without a cluster": case(
        {"aws/identity": {"kind": "pod-identity"}}, "aws.identity.clusterName", "is missing", "add `clusterName:`"
    ),
    "Pod Identity with a provider": case(
        {"aws/identity": {**AWS["identity"], "kind": "pod-identity", "clusterName": "prod"}},
        "aws.identity.oidcProvider",
        "is not a setting",
        "the key belongs to aws.identity.kind `irsa`",
    ),
    "a provider of another account": case(
        {"aws/identity/oidcProvider": AWS["identity"]["oidcProvider"].replace("123456789012", ACCOUNT)},
        "aws.identity.oidcProvider",
        f"belongs to account {ACCOUNT}, but aws.accountId is 123456789012",
        "use an ARN in account 123456789012",
    ),
    "a provider of another cluster": case(
        {"cluster/serviceAccountIssuer": "https://oidc.eks.eu-central-1.amazonaws.com/id/FF"},
        "cluster.serviceAccountIssuer",
        "expected https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
        "write https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF, or give"
        " aws.identity.oidcProvider the ARN of this cluster's OIDC provider",
    ),
    "a boundary of another account": case(
        {"aws/permissionsBoundary": PERMISSIONS.format(ACCOUNT)},
        "aws.permissionsBoundary",
        f"belongs to account {ACCOUNT}",
        "use an ARN in account 123456789012",
    ),
    "a boundary that is no ARN": case(
        {"aws/permissionsBoundary": "boundary"}, "aws.permissionsBoundary", "expected the ARN of an IAM policy", "arn:"
    ),
    "a tag of AWS's own": case(
        {"aws/tags": {"aws:owner": "me"}}, 'aws.tags["aws:..."]', "begins with aws:", "choose another name"
    ),
    "a tag by which the platform finds its own": case(
        {"aws/tags": {"mlflow-platform": "x"}},
        "aws.tags.mlflow-platform",
        "is the tag that the platform sets",
        "another name",
    ),
    "a key in China": case(
        {"database/kmsKey": KEY.replace("arn:aws", "arn:aws-cn")},
        "database.kmsKey",
        "expected the ARN",
        "see docs/configuration.md",
    ),
    "too many tags": case(
        {"aws/tags": {f"tag-{number}": "x" for number in range(50)}}, "aws.tags", "found 50", "remove some"
    ),
    # The database.
    "one subnet": case(
        {"database/subnets": [SUBNET]}, "database.subnets", "expected at least 2 subnets", "another zone"
    ),
    "the same subnet twice": case(
        {"database/subnets": [SUBNET, SUBNET]}, "database.subnets", "2 times", "list it once"
    ),
    "no security group": case(
        {"database/clientSecurityGroups": []}, "database.clientSecurityGroups", "is empty", "add one"
    ),
    "a security group twice": case(
        {"database/clientSecurityGroups": [GROUP, GROUP]}, "database.clientSecurityGroups", "2 times", "list it once"
    ),
    "a name for a VPC": case({"database/vpc": "main"}, "database.vpc", "expected the ID of a VPC", "vpc-"),
    "a database of RDS's own": case(
        {"database/name": "rdsadmin"}, "database.name", "is reserved by RDS", "another name"
    ),
    "MLflow as the administrator of RDS": case(
        {"database/user": "platform_administrator"}, "database.user", "is reserved by RDS", "another name"
    ),
    "a volume that cannot grow": case(
        {"database/maxStorage": "105Gi"},
        "database.maxStorage",
        "at least a tenth more than database.storage 100 GiB, found 105 GiB",
        '"111Gi" or more',
    ),
    "a volume that is too small": case(
        {"database/storage": "10Gi"}, "database.storage", "whole GiB, from", 'the nearest possible size is "20Gi"'
    ),
    "a volume in other units": case(
        {"database/storage": "1Ti"}, "database.storage", "whole GiB", "write a number and `Gi`"
    ),
    "production without backups": case(
        {"database/backupDays": 0}, "database.backupDays", "must not be 0 with profile `production`", "at least one day"
    ),
    "hours of no backup": case(
        {"profile": "small", "database/backupDays": 0, "database/backupWindow": "01:00-02:00"},
        "database.backupWindow",
        "is not used: database.backupDays is 0",
        "remove database.backupWindow, or raise database.backupDays",
    ),
    "windows that overlap": case(
        {"database/backupWindow": "23:30-00:30", "database/maintenanceWindow": "sun:00:00-sun:01:00"},
        "database.maintenanceWindow",
        "overlaps database.backupWindow 23:30-00:30",
        "begin after the other has ended",
    ),
    "a window of some minutes": case(
        {"database/backupWindow": "01:00-01:15"},
        "database.backupWindow",
        "found 15 minutes",
        "let the window end later",
    ),
    "a window of some days": case(
        {"database/backupWindow": "05:00-06:00", "database/maintenanceWindow": "sat:07:00-mon:04:00"},
        "database.maintenanceWindow",
        "expected 30 minutes to 24 hours",
        "let the window end earlier",
    ),
    "a window without a day": case(
        {"database/maintenanceWindow": "03:00-04:00"}, "database.maintenanceWindow", "hours of a week", "three letters"
    ),
    "insights for a fortnight": case(
        {"database/performanceInsightsDays": 14},
        "database.performanceInsightsDays",
        "expected 7, 731 or a multiple of 31, found 14",
        "the nearest possible number is 7",
    ),
    "a key of another region": case(
        {"database/kmsKey": KEY.replace("central", "west")},
        "database.kmsKey",
        "is in eu-west-1, but aws.region is eu-central-1",
        "use a key in eu-central-1",
    ),
    "an alias for a key": case(
        {"database/kmsKey": "arn:aws:kms:eu-central-1:123456789012:alias/mlflow"},
        "database.kmsKey",
        "expected the ARN of a KMS key",
        "see docs/configuration.md",
    ),
    "a CA certificate that is a path": case(
        {"database/authority": "/etc/ssl/rds.pem"},
        "database.authority",
        "expected CA certificates in PEM",
        "write the whole block",
    ),
    "no CA certificate": case({"database/authority": ...}, "database.authority", "is missing", "add `authority:`"),
    # The bucket.
    "a bucket's key of another account": case(
        {"artifacts/kmsKey": KEY.replace("123456789012", ACCOUNT)},
        "artifacts.kmsKey",
        "could make the data unreadable",
        "or remove artifacts.kmsKey",
    ),
    "a bucket that no certificate covers": case(
        {"artifacts/name": "mlflow.example"}, "artifacts.name", "contains a dot", "write mlflow-example"
    ),
    "a bucket of S3's own": case(
        {"artifacts/name": "artifacts-s3alias"}, "artifacts.name", "is reserved by S3", "choose another name"
    ),
    "no time to restore deleted objects": case(
        {"artifacts/noncurrentDays": 0},
        "artifacts.noncurrentDays",
        "from 1 to 3650",
        "the nearest possible number is 1",
    ),
    "a team that IAM has no name for": case(
        {"artifacts/directAccess": True, f"teams/{LONG}": {}},
        f"teams.{LONG}",
        f"has {len(LONG)} characters",
        "give the team a shorter name",
    ),
    "files of a workspace without workspaces": case(
        {"artifacts/directAccess": True, "workspaces": {"enabled": False}, "teams": {"research": {}}},
        "artifacts.directAccess",
        "needs workspaces to separate teams",
        "remove artifacts.directAccess",
    ),
}
