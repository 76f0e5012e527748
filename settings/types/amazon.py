"""Types of AWS values in a stack file: account IDs, ARNs, resource IDs, time windows and others."""

import re
from typing import Annotated

from settings.types import kinds

# Sizes of gp3 volumes for PostgreSQL, in GiB.
LEAST_STORAGE, MOST_STORAGE = 20, 65_536
# Not China: its services have other host names (`.amazonaws.com.cn`), which the IAM policies here do not cover.
_PARTITION = r"arn:aws(?:-us-gov)?"
_ACCOUNT = r"[0-9]{12}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_PROVIDER = rf"{_PARTITION}:iam::{_ACCOUNT}:oidc-provider/[^\s/]+(?:/[^\s/]+)*"
_KEY = rf"{_PARTITION}:kms:[a-z0-9-]+:{_ACCOUNT}:key/[\w-]+"
_STORAGE = r"[0-9]{1,9}Gi"


def _account(text: str) -> str | None:
    if re.fullmatch(_ACCOUNT, text):
        return None
    if re.fullmatch(r"[0-9]{1,11}", text):
        return f'account IDs may begin with zeros: write the ID in quotes: "{text.zfill(12)}"'
    return 'write the 12 digits in quotes, for example "123456789012"'


def _provider(text: str) -> str | None:
    if re.fullmatch(_PROVIDER, text):
        return None
    if text.startswith("https://"):
        return (
            "that is the issuer's URL: write the provider's ARN, for example"
            f" arn:aws:iam::123456789012:oidc-provider/{text[8:]}"
        )
    return "`aws iam list-open-id-connect-providers` prints the ARN"


def _key(text: str) -> str | None:
    if re.fullmatch(_KEY, text):
        return None
    if "alias/" in text:
        return "an alias can later point to another key: write the key's ARN"
    return "write it like arn:aws:kms:eu-central-1:123456789012:key/1234abcd-..."


def size_in_gibibytes(size: str) -> int:
    """Number of GiB in a valid storage size of RDS, such as `20Gi`."""
    return int(size.removesuffix("Gi"))


def _storage(text: str) -> str | None:
    if not re.fullmatch(_STORAGE, text):
        return 'write a number and `Gi`, for example "100Gi"'
    size = size_in_gibibytes(text)
    nearest = min(max(size, LEAST_STORAGE), MOST_STORAGE)
    return None if size == nearest else f'the nearest possible size is "{nearest}Gi"'


AccountId = Annotated[str, kinds.text("a 12-digit AWS account ID", _account, _ACCOUNT)]
OidcProvider = Annotated[str, kinds.text("the ARN of an OIDC provider in IAM", _provider, _PROVIDER)]
PolicyArn = Annotated[
    str,
    kinds.matching(
        "the ARN of an IAM policy",
        rf"{_PARTITION}:iam::(?:{_ACCOUNT}|aws):policy/[\w+=,.@/-]+",
        "write it like arn:aws:iam::123456789012:policy/boundary",
    ),
]
KeyArn = Annotated[str, kinds.text("the ARN of a KMS key", _key, _KEY)]
ClusterName = Annotated[
    str,
    kinds.matching("the name of an EKS cluster", r"[A-Za-z0-9][\w-]{0,99}", "`aws eks list-clusters` prints the names"),
]
VpcId = Annotated[str, kinds.matching("the ID of a VPC", r"vpc-[0-9a-f]{8,17}", "write it like vpc-0123456789abcdef0")]
SubnetId = Annotated[
    str, kinds.matching("the ID of a subnet", r"subnet-[0-9a-f]{8,17}", "write it like subnet-0123456789abcdef0")
]
SecurityGroupId = Annotated[
    str, kinds.matching("the ID of a security group", r"sg-[0-9a-f]{8,17}", "write it like sg-0123456789abcdef0")
]
InstanceClass = Annotated[
    str,
    kinds.matching(
        "an instance class of RDS like db.m7g.large", r"db\.[a-z0-9]+\.[a-z0-9]+", "write it like db.m7g.large"
    ),
]
DailyWindow = Annotated[
    str,
    kinds.matching(
        'hours of each day in UTC like "02:00-03:00"',
        rf"{_TIME}-{_TIME}",
        "write hours and minutes with two digits each",
    ),
]
WeeklyWindow = Annotated[
    str,
    kinds.matching(
        'hours of a week in UTC like "sun:03:00-sun:04:00"',
        rf"{_DAY}:{_TIME}-{_DAY}:{_TIME}",
        "write days with three letters, and hours and minutes with two digits each",
    ),
]
Storage = Annotated[str, kinds.text('whole GiB, from "20Gi" to "65536Gi"', _storage, _STORAGE)]
TagText = Annotated[
    str,
    kinds.matching(
        "a text of at most 256 letters, digits, spaces and any of + - = . _ : / @",
        r"[\w +=.:/@-]{0,256}",
        "remove all other characters",
    ),
]
