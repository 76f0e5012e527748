"""IAM: users, their policies and their keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.iam_roles import NO_ENTITY, document, is_json, tags_found
from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, tag_list, tags_of
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class User(Kind):
    """A user. moto does not tell its boundary, so that is in the state."""

    token = "aws:iam/user:User"  # noqa: S105 - a type
    label = "IAM User"
    # No cap here as in the real provider: AWS's own of 64 is met in `up`.
    name = AutoName()
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/", "forceDestroy": False}
    kept = ("forceDestroy", "permissionsBoundary")
    computed = ("arn", "uniqueId")
    tagged = True
    regional = False
    gone = NO_ENTITY

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make a user."""
        boundary = text(inputs, "permissionsBoundary")
        more: Any = {"PermissionsBoundary": boundary} if boundary else {}
        clients.iam.create_user(
            UserName=text(inputs, "name"),
            Path=text(inputs, "path"),
            Tags=cast("Any", tag_list(tags_of(inputs))),
            **more,
        )
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the user."""
        try:
            found = answer(clients.iam.get_user(UserName=resource_id)["User"])
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        return {
            "name": resource_id,
            "path": found["Path"],
            "arn": found["Arn"],
            "uniqueId": found["UserId"],
            "tagsAll": tags_found(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Rename it, move it, bound it."""
        if text(new, "name") != resource_id or text(new, "path") != text(old, "path"):
            clients.iam.update_user(UserName=resource_id, NewUserName=text(new, "name"), NewPath=text(new, "path"))
        boundary, before = text(new, "permissionsBoundary"), text(old, "permissionsBoundary")
        if boundary and boundary != before:
            clients.iam.put_user_permissions_boundary(UserName=text(new, "name"), PermissionsBoundary=boundary)
        elif before and not boundary:
            clients.iam.delete_user_permissions_boundary(UserName=text(new, "name"))

    def stable_id(self, resource_id: str, new: Object) -> str:
        """Follow a rename."""
        del resource_id
        return text(new, "name")

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        removed = [key for key in tags_of(state) if key not in tags]
        clients.iam.untag_user(UserName=resource_id, TagKeys=removed)
        clients.iam.tag_user(UserName=resource_id, Tags=cast("Any", tag_list(tags)))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it; keys that others made block that unless forced."""
        if state.get("forceDestroy") is True:
            for key in clients.iam.list_access_keys(UserName=resource_id)["AccessKeyMetadata"]:
                clients.iam.delete_access_key(UserName=resource_id, AccessKeyId=key.get("AccessKeyId", ""))
        clients.iam.delete_user(UserName=resource_id)


class UserPolicy(Kind):
    """An inline policy of a user. Its id is `user:name`."""

    token = "aws:iam/userPolicy:UserPolicy"  # noqa: S105 - a type
    label = "IAM User Policy"
    name = AutoName(longest=128)
    required = ("policy", "user")
    policies = ("policy",)
    replaces = frozenset({"name", "user"})
    regional = False
    gone = NO_ENTITY

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Refuse what is not JSON."""
        return is_json("policy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        """Put it."""
        user, name = text(inputs, "user"), text(inputs, "name")
        clients.iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=text(inputs, "policy"))
        return f"{user}:{name}"

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the document."""
        user, _, name = resource_id.partition(":")
        try:
            found = clients.iam.get_user_policy(UserName=user, PolicyName=name)
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        return {"user": user, "name": name, "policy": document(found["PolicyDocument"])}

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Put another document."""
        self.create(clients, new)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it."""
        user, _, name = resource_id.partition(":")
        clients.iam.delete_user_policy(UserName=user, PolicyName=name)


class AccessKey(Kind):
    """A key of a user. Its secret is told once, and lives in the state."""

    token = "aws:iam/accessKey:AccessKey"  # noqa: S105 - a type
    label = "IAM Access Key"
    required = ("user",)
    defaults: ClassVar[Mapping[str, Json]] = {"status": "Active"}
    computed = ("createDate",)
    secret = ("secret", "sesSmtpPasswordV4")
    replaces = frozenset({"user"})
    regional = False
    gone = NO_ENTITY

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make a key. The protocol has no room for what else it says, so it is kept until it is read."""
        made = clients.iam.create_access_key(UserName=text(inputs, "user"))["AccessKey"]
        inputs["secret"] = made["SecretAccessKey"]
        inputs["sesSmtpPasswordV4"] = smtp_password(made["SecretAccessKey"], clients.region)
        if text(inputs, "status") != "Active":
            self.update(clients, made["AccessKeyId"], {}, inputs)
        return made["AccessKeyId"]

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the key without its secret."""
        try:
            keys = clients.iam.list_access_keys(UserName=text(state, "user"))["AccessKeyMetadata"]
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        for found in keys:
            if found.get("AccessKeyId") == resource_id:
                created = found.get("CreateDate")
                when = created.isoformat() if created else None
                return {"user": text(state, "user"), "status": found.get("Status"), "createDate": when}
        return None

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Switch it on or off."""
        status: Any = text(new, "status")
        clients.iam.update_access_key(UserName=text(new, "user"), AccessKeyId=resource_id, Status=status)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it."""
        clients.iam.delete_access_key(UserName=text(state, "user"), AccessKeyId=resource_id)


# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
_SMTP: Final = ("11111111", "ses", "aws4_request", "SendRawEmail")


def smtp_password(secret: str, region: str) -> str:
    """Derive the password that SES takes for a key."""
    signed = f"AWS4{secret}".encode()
    for part in (_SMTP[0], region, *_SMTP[1:]):
        signed = hmac.new(signed, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x04" + signed).decode()
