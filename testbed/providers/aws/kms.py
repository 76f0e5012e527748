"""KMS: keys and aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, removed_tags, tags_of
from testbed.providers.values import Json, Object, text, whole

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

NO_KEY = frozenset({"NotFoundException"})
_DELETION_DAYS: Final = range(7, 31)


class Key(Kind):
    """A KMS key. AWS only schedules its deletion; a key with a scheduled deletion counts as deleted."""

    token = "aws:kms/key:Key"  # noqa: S105 - a type
    label = "KMS Key"
    chosen = ("description", "policy")
    defaults: ClassVar[Mapping[str, Json]] = {
        "enableKeyRotation": False,
        "isEnabled": True,
        "deletionWindowInDays": 30,
        "keyUsage": "ENCRYPT_DECRYPT",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "multiRegion": False,
    }
    kept = ("deletionWindowInDays", "keyUsage", "customerMasterKeySpec", "multiRegion")
    computed = ("arn", "keyId", "region")
    replaces = frozenset({"keyUsage", "customerMasterKeySpec", "multiRegion"})
    policies = ("policy",)
    tagged = True
    gone = NO_KEY

    def check(self, inputs: Object) -> Iterable[Failure]:
        days = whole(inputs, "deletionWindowInDays")
        if days not in _DELETION_DAYS:
            yield "deletionWindowInDays", f"expected deletion_window_in_days to be in the range (7 - 30), got {days}"

    def create(self, clients: Clients, inputs: Object) -> str:
        more: Any = {"Policy": inputs["policy"]} if inputs.get("policy") else {}
        made = clients.kms.create_key(
            Description=text(inputs, "description"), Tags=cast("Any", _tags(tags_of(inputs))), **more
        )["KeyMetadata"]
        if inputs.get("enableKeyRotation") is True:
            clients.kms.enable_key_rotation(KeyId=made["KeyId"])
        return made["KeyId"]

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = answer(clients.kms.describe_key(KeyId=resource_id)["KeyMetadata"])
        if found["KeyState"] == "PendingDeletion":
            return None
        tags = clients.kms.list_resource_tags(KeyId=resource_id)["Tags"]
        return {
            "arn": found["Arn"],
            "keyId": resource_id,
            "description": found.get("Description") or None,
            "isEnabled": found["Enabled"],
            "enableKeyRotation": clients.kms.get_key_rotation_status(KeyId=resource_id)["KeyRotationEnabled"],
            "policy": clients.kms.get_key_policy(KeyId=resource_id, PolicyName="default")["Policy"],
            "tagsAll": cast("Json", {tag["TagKey"]: tag["TagValue"] for tag in tags}),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        kms = clients.kms
        kms.update_key_description(KeyId=resource_id, Description=text(new, "description"))
        if new.get("policy"):
            kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=text(new, "policy"))
        rotate = kms.enable_key_rotation if new.get("enableKeyRotation") is True else kms.disable_key_rotation
        rotate(KeyId=resource_id)
        switch = kms.enable_key if new.get("isEnabled") is True else kms.disable_key
        switch(KeyId=resource_id)

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        clients.kms.untag_resource(KeyId=resource_id, TagKeys=removed_tags(state, tags))
        clients.kms.tag_resource(KeyId=resource_id, Tags=cast("Any", _tags(tags)))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.kms.schedule_key_deletion(KeyId=resource_id, PendingWindowInDays=whole(state, "deletionWindowInDays"))


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]


class Alias(Kind):
    """An alias of a key. Its id is the alias's name."""

    token = "aws:kms/alias:Alias"  # noqa: S105 - a type
    label = "KMS Alias"
    name = AutoName(longest=238, prefix="alias/")
    required = ("targetKeyId",)
    computed = ("arn", "targetKeyArn", "region")
    replaces = frozenset({"name"})
    gone = NO_KEY

    def check(self, inputs: Object) -> Iterable[Failure]:
        if not text(inputs, "name").startswith("alias/"):
            yield "name", "a KMS alias starts with alias/"

    def create(self, clients: Clients, inputs: Object) -> str:
        clients.kms.create_alias(AliasName=text(inputs, "name"), TargetKeyId=text(inputs, "targetKeyId"))
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        for page in clients.kms.get_paginator("list_aliases").paginate():
            for found in page["Aliases"]:
                if found.get("AliasName") == resource_id:
                    key = found.get("TargetKeyId", "")
                    same = text(state, "targetKeyId") if text(state, "targetKeyId").endswith(key) else key
                    return {"name": resource_id, "arn": found.get("AliasArn"), "targetKeyId": same}
        return None

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        clients.kms.update_alias(AliasName=resource_id, TargetKeyId=text(new, "targetKeyId"))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.kms.delete_alias(AliasName=resource_id)
