"""A team's program with the team's own access key of the store. Prints JSON: what it read, and each refusal's code."""

import json
import os
import sys
from urllib.parse import quote

import boto3
import mlflow
from botocore.exceptions import ClientError

bucket, _, prefix = os.environ["WORKSPACE_ARTIFACTS"].removeprefix("s3://").partition("/")
other = prefix.replace("team-a", "team-b")
store = boto3.client("s3")

mlflow.set_experiment("direct")
with mlflow.start_run() as run:
    mlflow.log_text("through the server", "note.txt")
path = run.info.artifact_uri.removeprefix("mlflow-artifacts:/").lstrip("/")
by_boto3 = store.get_object(Bucket=bucket, Key=f"{path}/note.txt")["Body"].read().decode()
with open(mlflow.artifacts.download_artifacts(f"s3://{bucket}/{path}/note.txt")) as file:
    by_mlflow = file.read()
store.put_object(Bucket=bucket, Key=f"{path}/direct.txt", Body=b"past the server")
through_server = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/direct.txt")


def refused(call, **arguments):
    """Error code of a call; empty if it succeeds."""
    try:
        answer = call(Bucket=bucket, **arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ",".join(one["Code"] for one in answer.get("Errors", ()))


key = f"{other}{sys.argv[1]}/x"
source = {"Bucket": bucket, "Key": key}
attempts = {
    "read": refused(store.get_object, Key=key),
    "write": refused(store.put_object, Key=key, Body=b"evil"),
    "delete": refused(store.delete_object, Key=key),
    "delete several": refused(store.delete_objects, Delete={"Objects": [{"Key": key}]}),
    "copy": refused(store.copy_object, Key=f"{prefix}stolen", CopySource=source),
    "list": refused(store.list_objects_v2, Prefix=other),
    "list all": refused(store.list_objects_v2),
    "list old versions": refused(store.list_object_versions, Prefix=other),
    "read by a detour": refused(store.get_object, Key=f"{prefix}../team-b/{sys.argv[1]}/x"),
    "write by a detour": refused(store.put_object, Key=f"{prefix}../team-b/evil", Body=b"evil"),
    "tag": refused(store.put_object_tagging, Key=key, Tagging={"TagSet": []}),
    "upload in parts": refused(store.create_multipart_upload, Key=key),
    "policy": refused(store.get_bucket_policy),
    "delete the bucket": refused(store.delete_bucket),
}


def in_the_teams_name(request, **_):
    """Add the team's folder to a request about the whole bucket, because a store may check it."""
    request.url += f"&prefix={quote(prefix, safe='')}"


for operation in (
    "PutBucketLifecycleConfiguration",
    "PutBucketVersioning",
    "PutBucketCors",
    "PutObjectLockConfiguration",
    "PutBucketPolicy",
    "PutBucketTagging",
    "PutBucketAcl",
):
    store.meta.events.register(f"before-sign.s3.{operation}", in_the_teams_name)
rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": other}, "Expiration": {"Days": 1}}
origin = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
attempts |= {
    "let others' files expire": refused(
        store.put_bucket_lifecycle_configuration, LifecycleConfiguration={"Rules": [rule]}
    ),
    "versioning": refused(store.put_bucket_versioning, VersioningConfiguration={"Status": "Enabled"}),
    "other sites": refused(store.put_bucket_cors, CORSConfiguration={"CORSRules": [origin]}),
    "lock": refused(
        store.put_object_lock_configuration, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
    "open to everybody": refused(
        store.put_bucket_policy, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    ),
    "tag the bucket": refused(store.put_bucket_tagging, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
    "access list": refused(store.put_bucket_acl, ACL="public-read-write"),
}
print(
    json.dumps(
        {
            "by_boto3": by_boto3,
            "by_mlflow": by_mlflow,
            "through_server": through_server,
            "answers": attempts,
        }
    )
)
