"""S3: the bucket itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.kinds import AutoName, Kind, tag_list, tag_map, tags_of
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

NO_BUCKET = frozenset({"NoSuchBucket", "404"})


class Bucket(Kind):
    """A bucket. Deprecated inputs, which are now separate resource types, are not supported."""

    token = "aws:s3/bucket:Bucket"  # noqa: S105 - a type
    label = "S3 Bucket"
    name = AutoName(property="bucket", longest=63, lower=True)
    defaults: ClassVar[Mapping[str, Json]] = {"forceDestroy": False}
    kept = ("forceDestroy",)
    computed = ("arn", "bucketDomainName", "bucketRegionalDomainName", "region")
    replaces = frozenset({"bucket"})
    tagged = True
    gone = NO_BUCKET

    def create(self, clients: Clients, inputs: Object) -> str:
        bucket = text(inputs, "bucket")
        if clients.region == "us-east-1":
            clients.s3.create_bucket(Bucket=bucket)
        else:
            place: Any = {"LocationConstraint": clients.region}
            clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        if tags_of(inputs):
            self.change_tags(clients, bucket, inputs, tags_of(inputs))
        return bucket

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        clients.s3.head_bucket(Bucket=resource_id)
        try:
            found = clients.s3.get_bucket_tagging(Bucket=resource_id)["TagSet"]
        except ClientError as error:
            if code_of(error) != "NoSuchTagSet":
                raise
            found = []
        return {
            "bucket": resource_id,
            "arn": f"arn:aws:s3:::{resource_id}",
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{resource_id}.s3.{clients.region}.amazonaws.com",
            "tagsAll": cast("Json", tag_map(cast("list[dict[str, str]]", found))),
        }

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        clients.s3.put_bucket_tagging(Bucket=resource_id, Tagging={"TagSet": tag_list(tags)})

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the bucket; delete its objects first only if an earlier `up` has set `forceDestroy` in the state."""
        if state.get("forceDestroy") is True:
            _empty(clients, resource_id)
        clients.s3.delete_bucket(Bucket=resource_id)


def _empty(clients: Clients, bucket: str) -> None:
    for page in clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            clients.s3.delete_object(Bucket=bucket, Key=one.get("Key", ""), VersionId=one.get("VersionId", ""))
