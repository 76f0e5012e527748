"""Fetches a sample of the artifacts that a restored database refers to, and compares sizes and checksums with those that the store lists.

The store has no backup of its own: this shows that the files of the restored runs and models are there and whole. Half
of the sample is of the newest runs and models, half of random ones.
"""

import hashlib
import os
import re

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MOST_FILES = 20
# Many runs have no files: so many are looked at for each half of the sample.
MOST_FOLDERS = 200
# Of a larger file only the beginning is fetched.
MOST_BYTES = 64 * 1024 * 1024
SCHEME = "mlflow-artifacts:/"
# With one upload the ETag is the MD5 of the content; with parts, or with a key of KMS, it is not.
MD5 = re.compile(r"[0-9a-f]{32}")
_FOLDERS = """
    SELECT place FROM (
        SELECT artifact_uri AS place, coalesce(start_time, 0) AS made FROM public.runs
        UNION ALL SELECT artifact_location, creation_timestamp_ms FROM public.logged_models
    ) AS folders WHERE place LIKE 'mlflow-artifacts:/%%' ORDER BY {order} LIMIT %s
"""
ORDERS = ("made DESC", "random()")


def folders(cursor, order):
    """Locations of runs and logged models in the restored database, in an order of `ORDERS`."""
    cursor.execute(_FOLDERS.format(order=order), (MOST_FOLDERS,))
    return [place for (place,) in cursor.fetchall()]


def folder_key(place, destination):
    """Bucket and key of a location below the artifact destination, such as `s3-proxied://mlflow/kept`."""
    bucket, _, prefix = destination.partition("://")[2].partition("/")
    path = place.removeprefix(SCHEME).strip("/")
    return bucket, "/".join(part for part in (prefix.strip("/"), path) if part) + "/"


def client():
    """Client of the artifact store: with an access key of its own, or else with the pod's AWS identity."""
    return boto3.client(
        "s3",
        endpoint_url=os.environ.get("ARTIFACTS_ENDPOINT_URL") or None,
        region_name=os.environ.get("ARTIFACTS_REGION") or None,
        aws_access_key_id=os.environ.get("ARTIFACTS_ACCESS_KEY_ID") or None,
        aws_secret_access_key=os.environ.get("ARTIFACTS_SECRET_ACCESS_KEY") or None,
        verify=os.environ.get("ARTIFACTS_CA_BUNDLE") or None,
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}),
    )


def fetched(s3, cursor, destination):
    """Fetch the sample; returns the number of files, of bytes and of compared checksums, and a sentence for each fault."""
    files, size, checked, faults, seen = 0, 0, 0, [], set()
    for number, order in enumerate(ORDERS, 1):
        for place in folders(cursor, order):
            if files >= MOST_FILES * number // len(ORDERS):
                break
            bucket, prefix = folder_key(place, destination)
            try:
                listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", ())
                for one in listed:
                    if one["Key"] in seen:
                        continue
                    seen.add(one["Key"])
                    files += 1
                    length, compared, fault = _fetch(s3, bucket, one)
                    size, checked = size + length, checked + compared
                    faults += [f"artifact {one['Key']} {fault}"] if fault else []
            except (BotoCoreError, ClientError) as error:
                faults.append(f"artifacts below {prefix} cannot be read: {error}")
                return {"files": files, "bytes": size, "checksums": checked}, faults
    return {"files": files, "bytes": size, "checksums": checked}, faults


def _fetch(s3, bucket, listed):
    """Bytes fetched, 1 if a checksum was compared, and the fault; empty if there is none."""
    wanted = min(listed["Size"], MOST_BYTES)
    part = {"Range": f"bytes=0-{MOST_BYTES - 1}"} if listed["Size"] > MOST_BYTES else {}
    digest, length = hashlib.md5(usedforsecurity=False), 0
    for piece in s3.get_object(Bucket=bucket, Key=listed["Key"], **part)["Body"].iter_chunks():
        digest.update(piece)
        length += len(piece)
    if length != wanted:
        return length, 0, f"has {length} bytes, and the store lists {wanted}"
    mark = listed["ETag"].strip('"')
    if part or not MD5.fullmatch(mark):
        return length, 0, ""
    return length, 1, "" if digest.hexdigest() == mark else f"has checksum {digest.hexdigest()}, and the store lists {mark}"
