"""What lies at AWS: the bucket, the database, and the identities of the pods that use them.

Imported by `wiring/aws.py` alone: pulumi_aws takes seconds to load, which no stack without AWS shall wait for.
"""

from components.aws.bucket import Bucket, BucketArgs
from components.aws.identity import Identity, Irsa, PodIdentity
from components.aws.rds import Rds, RdsArgs
from components.aws.rds_access import SERVICE_ACCOUNT as DATABASE_ROLE_ACCOUNT
from components.aws.rds_access import RdsAccess, RdsAccessArgs
from components.aws.role import RoleIdentity, RoleIdentityArgs
from components.aws.user import UserIdentity, UserIdentityArgs

__all__ = [
    "DATABASE_ROLE_ACCOUNT",
    "Bucket",
    "BucketArgs",
    "Identity",
    "Irsa",
    "PodIdentity",
    "Rds",
    "RdsAccess",
    "RdsAccessArgs",
    "RdsArgs",
    "RoleIdentity",
    "RoleIdentityArgs",
    "UserIdentity",
    "UserIdentityArgs",
]
