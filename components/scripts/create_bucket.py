"""Job script that creates the artifact bucket if it is missing, with the store's administrator credential."""

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# The store usually answers within ten seconds after its start; the rest is for a slow volume.
DEADLINE = time.monotonic() + 120
BUCKET = os.environ["BUCKET"]

s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT_URL"], region_name=os.environ["AWS_REGION"])
while True:
    try:
        if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=BUCKET)
    except (BotoCoreError, ClientError) as error:
        if time.monotonic() > DEADLINE:
            sys.exit(f"no bucket {BUCKET} at {os.environ['ENDPOINT_URL']} after two minutes of trying: {error}")
        time.sleep(2)
    else:
        print(f"bucket {BUCKET} exists")
        break
