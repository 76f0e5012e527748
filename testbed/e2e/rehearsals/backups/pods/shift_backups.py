"""Makes base backups older, each by its number of days."""

import datetime
import json
import re
import sys

import boto3

sys.path.insert(0, "/etc/backup")
from backup_store import BUCKET, ENDPOINT, Store, own_server

store = Store(own_server())
s3 = boto3.client("s3", endpoint_url=ENDPOINT)
for name, days in json.loads(sys.argv[1]).items():
    key = f"{store.server}/base/{name}/backup.info"
    text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    def older(match, days=days):
        time = datetime.datetime.fromisoformat(match[2])
        return match[1] + str(time - datetime.timedelta(days=days))

    text = re.sub(r"^((?:begin|end)_time=)(.+)$", older, text, flags=re.MULTILINE)
    s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
print("{}")
