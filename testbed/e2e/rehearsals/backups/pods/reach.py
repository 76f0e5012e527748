"""Tries to list, read and write a bucket with the container's own key; prints the error of each."""

import json
import sys

import boto3
from botocore.exceptions import ClientError

endpoint, bucket = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint)
calls = {
    "list": lambda: s3.list_objects_v2(Bucket=bucket),
    "get": lambda: s3.get_object(Bucket=bucket, Key="anything"),
    "put": lambda: s3.put_object(Bucket=bucket, Key="anything", Body=b"x"),
}
found = {}
for name, call in calls.items():
    try:
        call()
        found[name] = "allowed"
    except ClientError as error:
        found[name] = error.response["Error"]["Code"]
print(json.dumps(found))
