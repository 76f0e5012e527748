"""S3: lifecycle rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from testbed.providers.aws.kinds import Failure, answer
from testbed.providers.aws.s3 import NO_BUCKET
from testbed.providers.aws.s3_settings import BucketSetting
from testbed.providers.aws.shapes import to_aws, to_pulumi
from testbed.providers.values import Json, Object, has_unknown, objects

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

_NAMES = {"id": "ID"}
_DAYS = ("days", "noncurrentDays", "daysAfterInitiation")


class BucketLifecycleConfiguration(BucketSetting):
    """All lifecycle rules of a bucket."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"  # noqa: S105 - a type
    label = "S3 Bucket Lifecycle Configuration"
    required = ("bucket", "rules")
    gone = NO_BUCKET | {"NoSuchLifecycleConfiguration"}

    def normal(self, name: str, value: Json) -> Json:
        """Normalize rules: no filter, an empty filter and a filter with an empty prefix become equal."""
        if name != "rules" or not isinstance(value, list) or has_unknown(value):
            return super().normal(name, value)
        return sorted((_lean(rule) for rule in value), key=str)

    def check(self, inputs: Object) -> Iterable[Failure]:
        for rule in objects(inputs, "rules"):
            for name, number in _numbers(rule):
                if number < 1:
                    yield "rules", f"{name} of the rule {rule.get('id')} has to be a positive number, not {number}"
            if rule.get("status") not in {"Enabled", "Disabled"}:
                yield "rules", f"the status of the rule {rule.get('id')} has to be Enabled or Disabled"

    def put(self, clients: Clients, bucket: str, inputs: Object) -> None:
        rules: Any = [to_aws({"filter": {}, **rule}, _NAMES) for rule in objects(inputs, "rules")]
        for rule in rules:
            rule["Filter"] = rule["Filter"] or {"Prefix": ""}
        clients.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    def get(self, clients: Clients, bucket: str) -> Object:
        found = answer(clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket))
        return {"rules": [to_pulumi(rule, _NAMES) for rule in found["Rules"]]}

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.s3.delete_bucket_lifecycle(Bucket=resource_id)


def _lean(value: Json) -> Json:
    if isinstance(value, dict):
        lean = {key: _lean(item) for key, item in value.items()}
        return {key: item for key, item in sorted(lean.items()) if item not in ("", {}, [], None) and item is not False}
    return [_lean(item) for item in value] if isinstance(value, list) else value


def _numbers(rule: Object) -> Iterable[tuple[str, int]]:
    for key, value in rule.items():
        if isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, list):
            for item in value:
                yield from _numbers(item) if isinstance(item, dict) else ()
        elif key in _DAYS and isinstance(value, int):
            yield key, value
