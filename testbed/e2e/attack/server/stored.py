"""Run in the server's container: key and ETag of every object of a workspace, as JSON. Arguments: the workspace."""

import json
import os
import sys

import boto3

workspace = sys.argv[1]
client = boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"))
found = {}
for page in client.get_paginator("list_objects_v2").paginate(Bucket="mlflow"):
    for item in page.get("Contents", ()):
        if f"workspaces/{workspace}/" in f"/{item['Key']}":
            found[item["Key"]] = item["ETag"]
json.dump(found, sys.stdout)
