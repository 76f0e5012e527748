"""What lies at AWS: the bucket, the database, and the identities of the pods that use them.

Imported by `wiring/aws.py` alone: pulumi_aws takes seconds to load, which no stack without AWS shall wait for.
"""

from components.aws.bucket import Bucket, BucketArgs
from components.aws.identity import AccessKey, Identity, Irsa, PodIdentity
from components.aws.rds import Rds, RdsArgs
from components.aws.role import RoleIdentity, RoleIdentityArgs
from components.aws.user import UserIdentity, UserIdentityArgs

__all__ = [
    "AccessKey",
    "Bucket",
    "BucketArgs",
    "Identity",
    "Irsa",
    "PodIdentity",
    "Rds",
    "RdsArgs",
    "RoleIdentity",
    "RoleIdentityArgs",
    "UserIdentity",
    "UserIdentityArgs",
]
