"""Corrupts the newest backup in the store, or restores it; runs in the container of the backups.

The argument `census` adds a row and a table that never existed to the backup's census; `byte` changes one byte in the
middle of the data; `mend` restores what the other two have changed. Prints `true`.
"""

import json
import sys
from pathlib import Path

import boto3

sys.path.insert(0, "/etc/backup")
from backup_store import BUCKET, ENDPOINT, Store, own_server

KEPT = Path("/tmp/spoiled")
store = Store(own_server())
name = store.backups()[-1].name
s3 = boto3.client("s3", endpoint_url=ENDPOINT)
data = f"{store.server}/base/{name}/data.tar.gz"
note = f"{store.server}/platform/census/{name}.json"
key = {"census": note, "byte": data}.get(sys.argv[1])
if key is None:
    for kept in KEPT.iterdir():
        s3.put_object(Bucket=BUCKET, Key=kept.name.replace("@", "/"), Body=kept.read_bytes())
        kept.unlink()
else:
    KEPT.mkdir(exist_ok=True)
    content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    (KEPT / key.replace("/", "@")).write_bytes(content)
    if key == note:
        census = json.loads(content)
        census["tables"]["runs"]["team-a"][0] += 1
        census["tables"]["lost"] = {"team-a": [1, "1"]}
        content = json.dumps(census).encode()
    else:
        middle = len(content) // 2
        content = content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]
    s3.put_object(Bucket=BUCKET, Key=key, Body=content)
print("true")
