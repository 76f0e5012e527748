"""IAM: roles, users, access keys and identity providers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, removed_tags, tag_list, tag_map, tags_of
from testbed.providers.values import Json, Object, strings, text, whole

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

NO_ENTITY = frozenset({"NoSuchEntity"})


def json_failures(name: str, inputs: Object) -> Iterable[Failure]:
    """Yield a failure if the input `name` is not a JSON document; the real provider checks this in a preview too."""
    try:
        json.loads(text(inputs, name))
    except ValueError as error:
        yield name, f'"{name}" contains an invalid JSON policy: {error}'


def document(value: object) -> str:
    """Return a policy document as a JSON string; boto3 returns some documents parsed."""
    return value if isinstance(value, str) else json.dumps(value)


def tags_in(found: Mapping[str, Any]) -> Json:
    """Return the tags in an IAM response as a mapping."""
    return cast("Json", tag_map(found.get("Tags", [])))


class IamResource(Kind):
    """Base class of IAM resources with tags."""

    tagged = True
    regional = False
    gone = NO_ENTITY
    noun: ClassVar[str]
    """The resource type in the names of boto3's methods, such as `role` in `tag_role`."""

    id_parameter: ClassVar[str]
    """The parameter of boto3's tag methods that takes the resource's id, such as `RoleName`."""

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        which = {self.id_parameter: resource_id}
        getattr(clients.iam, f"untag_{self.noun}")(**which, TagKeys=removed_tags(state, tags))
        getattr(clients.iam, f"tag_{self.noun}")(**which, Tags=tag_list(tags))


class Role(IamResource):
    token = "aws:iam/role:Role"  # noqa: S105 - a type
    label = "IAM Role"
    noun, id_parameter = "role", "RoleName"
    name = AutoName(longest=64)
    required = ("assumeRolePolicy",)
    optional = ("description", "permissionsBoundary")
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False}
    kept = ("forceDetachPolicies",)
    computed = ("arn", "createDate", "uniqueId")
    replaces = frozenset({"name", "path"})
    policies = ("assumeRolePolicy",)

    def check(self, inputs: Object) -> Iterable[Failure]:
        return json_failures("assumeRolePolicy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        more: Any = {
            aws: inputs[here]
            for here, aws in (("description", "Description"), ("permissionsBoundary", "PermissionsBoundary"))
            if inputs.get(here)
        }
        clients.iam.create_role(
            RoleName=text(inputs, "name"),
            Path=text(inputs, "path"),
            AssumeRolePolicyDocument=text(inputs, "assumeRolePolicy"),
            MaxSessionDuration=whole(inputs, "maxSessionDuration"),
            Tags=tag_list(tags_of(inputs)),
            **more,
        )
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = answer(clients.iam.get_role(RoleName=resource_id)["Role"])
        return {
            "name": resource_id,
            "path": found["Path"],
            "arn": found["Arn"],
            "uniqueId": found["RoleId"],
            "createDate": found["CreateDate"].isoformat(),
            "assumeRolePolicy": document(found["AssumeRolePolicyDocument"]),
            "maxSessionDuration": found["MaxSessionDuration"],
            "description": found.get("Description") or None,
            "permissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "tagsAll": tags_in(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        iam = clients.iam
        iam.update_assume_role_policy(RoleName=resource_id, PolicyDocument=text(new, "assumeRolePolicy"))
        duration, description = whole(new, "maxSessionDuration"), text(new, "description")
        iam.update_role(RoleName=resource_id, Description=description, MaxSessionDuration=duration)
        boundary, before = text(new, "permissionsBoundary"), text(old, "permissionsBoundary")
        if boundary and boundary != before:
            iam.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=boundary)
        elif before and not boundary:
            iam.delete_role_permissions_boundary(RoleName=resource_id)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the role; with `forceDetachPolicies` remove its policies first: AWS deletes no role with policies."""
        if state.get("forceDetachPolicies") is True:
            for one in clients.iam.list_attached_role_policies(RoleName=resource_id)["AttachedPolicies"]:
                clients.iam.detach_role_policy(RoleName=resource_id, PolicyArn=one.get("PolicyArn", ""))
            for name in clients.iam.list_role_policies(RoleName=resource_id)["PolicyNames"]:
                clients.iam.delete_role_policy(RoleName=resource_id, PolicyName=name)
        clients.iam.delete_role(RoleName=resource_id)


class User(IamResource):
    """An IAM user. moto does not return its permissions boundary, so the value in the state is kept."""

    token = "aws:iam/user:User"  # noqa: S105 - a type
    label = "IAM User"
    noun, id_parameter = "user", "UserName"
    # No limit, as in the real provider: AWS refuses a name of more than 64 characters during `up`.
    name = AutoName()
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/", "forceDestroy": False}
    kept = ("forceDestroy", "permissionsBoundary")
    computed = ("arn", "uniqueId")

    def create(self, clients: Clients, inputs: Object) -> str:
        boundary = text(inputs, "permissionsBoundary")
        more: Any = {"PermissionsBoundary": boundary} if boundary else {}
        clients.iam.create_user(
            UserName=text(inputs, "name"), Path=text(inputs, "path"), Tags=tag_list(tags_of(inputs)), **more
        )
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = answer(clients.iam.get_user(UserName=resource_id)["User"])
        return {
            "name": resource_id,
            "path": found["Path"],
            "arn": found["Arn"],
            "uniqueId": found["UserId"],
            "tagsAll": tags_in(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        if text(new, "name") != resource_id or text(new, "path") != text(old, "path"):
            clients.iam.update_user(UserName=resource_id, NewUserName=text(new, "name"), NewPath=text(new, "path"))
        boundary, before = text(new, "permissionsBoundary"), text(old, "permissionsBoundary")
        if boundary and boundary != before:
            clients.iam.put_user_permissions_boundary(UserName=text(new, "name"), PermissionsBoundary=boundary)
        elif before and not boundary:
            clients.iam.delete_user_permissions_boundary(UserName=text(new, "name"))

    def stable_id(self, resource_id: str, new: Object) -> str:
        return text(new, "name")

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the user; with `forceDestroy` delete its access keys first: AWS deletes no user with access keys."""
        if state.get("forceDestroy") is True:
            for key in clients.iam.list_access_keys(UserName=resource_id)["AccessKeyMetadata"]:
                clients.iam.delete_access_key(UserName=resource_id, AccessKeyId=key.get("AccessKeyId", ""))
        clients.iam.delete_user(UserName=resource_id)


class AccessKey(Kind):
    """An access key of a user. AWS returns the secret only at creation, so the value in the state is kept."""

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
        """Create an access key, and add its secret to `inputs`, from which the state is made."""
        made = clients.iam.create_access_key(UserName=text(inputs, "user"))["AccessKey"]
        inputs["secret"] = made["SecretAccessKey"]
        inputs["sesSmtpPasswordV4"] = smtp_password(made["SecretAccessKey"], clients.region)
        if text(inputs, "status") != "Active":
            self.update(clients, made["AccessKeyId"], {}, inputs)
        return made["AccessKeyId"]

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        for found in clients.iam.list_access_keys(UserName=text(state, "user"))["AccessKeyMetadata"]:
            if found.get("AccessKeyId") == resource_id:
                created = found.get("CreateDate")
                when = created.isoformat() if created else None
                return {"user": text(state, "user"), "status": found.get("Status"), "createDate": when}
        return None

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        status: Any = text(new, "status")
        clients.iam.update_access_key(UserName=text(new, "user"), AccessKeyId=resource_id, Status=status)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.iam.delete_access_key(UserName=text(state, "user"), AccessKeyId=resource_id)


# https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
_SMTP: Final = ("11111111", "ses", "aws4_request", "SendRawEmail")


def smtp_password(secret: str, region: str) -> str:
    """Derive the SMTP password of Amazon SES from an access key's secret."""
    signed = f"AWS4{secret}".encode()
    for part in (_SMTP[0], region, *_SMTP[1:]):
        signed = hmac.new(signed, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x04" + signed).decode()


class OpenIdConnectProvider(IamResource):
    """An OIDC issuer whose tokens IAM accepts. The resource's id is its ARN."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"  # noqa: S105 - a type
    label = "IAM OIDC Provider"
    noun, id_parameter = "open_id_connect_provider", "OpenIDConnectProviderArn"
    required = ("url", "clientIdLists")
    optional = ("thumbprintLists",)
    computed = ("arn",)
    replaces = frozenset({"url"})
    sets = ("clientIdLists", "thumbprintLists")

    def create(self, clients: Clients, inputs: Object) -> str:
        return clients.iam.create_open_id_connect_provider(
            Url=text(inputs, "url"),
            ClientIDList=strings(inputs, "clientIdLists"),
            ThumbprintList=strings(inputs, "thumbprintLists"),
            Tags=tag_list(tags_of(inputs)),
        )["OpenIDConnectProviderArn"]

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = answer(clients.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=resource_id))
        return {
            "url": text(state, "url"),
            "arn": resource_id,
            "clientIdLists": list(found["ClientIDList"]),
            "thumbprintLists": found["ThumbprintList"],
            "tagsAll": tags_in(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        iam, before, after = clients.iam, strings(old, "clientIdLists"), strings(new, "clientIdLists")
        for client in set(after) - set(before):
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, ClientID=client)
        for client in set(before) - set(after):
            iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, ClientID=client)
        iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=resource_id, ThumbprintList=strings(new, "thumbprintLists")
        )

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)
