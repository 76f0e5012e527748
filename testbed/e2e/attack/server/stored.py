"""Run in the server's container: key and ETag of every object of a workspace, as JSON. Arguments: the workspace."""

import json
import os
import sys

import boto3

# The destination is the bucket's root. A key with the folder further behind is of the team in front.
folder = f"workspaces/{sys.argv[1]}/"
client = boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"))
found = {}
for page in client.get_paginator("list_objects_v2").paginate(Bucket="mlflow", Prefix=folder):
    for item in page.get("Contents", ()):
        if item["Key"].startswith(folder):
            found[item["Key"]] = item["ETag"]
json.dump(found, sys.stdout)
