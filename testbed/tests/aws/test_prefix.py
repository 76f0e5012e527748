"""The server's policy for artifacts below a folder: everything in the folder, nothing beside it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.aws import policies
from testbed.aws.server import REGION, Key
from testbed.tests.aws.world import BUCKET, World

INSIDE = "shared/mlflow/workspaces/research/1/model"
OUTSIDE = ("shared/payroll", "shared/mlflow-not/x", "workspaces/research/1/model", "x")

CALLS: dict[str, Callable[[Any, str], object]] = {
    "write": lambda s3, key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"weights"),
    "read": lambda s3, key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(),
    "list": lambda s3, key: s3.list_objects_v2(Bucket=BUCKET, Prefix=key),
    "delete": lambda s3, key: s3.delete_object(Bucket=BUCKET, Key=key),
}


@pytest.fixture(scope="module")
def s3(world: World) -> Any:  # noqa: ANN401 - a client of boto3's
    """S3 with the rights of a server whose artifacts are below `shared/mlflow`."""
    iam = world.administrator("iam")
    iam.create_user(UserName="prefixed")
    policy = policies.server(bucket=f"arn:aws:s3:::{BUCKET}", prefix="shared/mlflow", key=world.key, region=REGION)
    iam.put_user_policy(UserName="prefixed", PolicyName="own", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName="prefixed")["AccessKey"]
    return world.client("s3", Key(access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"]))


def test_everything_in_the_folder_is_allowed(s3: Any) -> None:  # noqa: ANN401 - a client of boto3's
    for name in ("write", "read", "list", "delete"):
        CALLS[name](s3, INSIDE)


@pytest.mark.parametrize("key", OUTSIDE)
@pytest.mark.parametrize("name", CALLS)
def test_nothing_beside_the_folder_is_allowed(s3: Any, name: str, key: str) -> None:  # noqa: ANN401 - likewise
    with pytest.raises(ClientError, match="AccessDenied"):
        CALLS[name](s3, key)


def test_a_missing_artifact_is_missing_and_not_forbidden(s3: Any) -> None:  # noqa: ANN401 - likewise
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=BUCKET, Key=f"{INSIDE}-missing")
