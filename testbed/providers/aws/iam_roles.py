"""IAM: roles, and their policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, tag_list, tag_map, tags_of
from testbed.providers.values import Json, Object, text, whole

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

NO_ENTITY = frozenset({"NoSuchEntity"})


def is_json(name: str, inputs: Object) -> Iterable[Failure]:
    """Refuse a document that is not JSON, as the real provider does in a preview."""
    try:
        json.loads(text(inputs, name))
    except ValueError as error:
        yield name, f'"{name}" contains an invalid JSON policy: {error}'


def document(value: object) -> str:
    """Return a document that boto3 has parsed as text again."""
    return value if isinstance(value, str) else json.dumps(value)


def tags_found(found: Mapping[str, Any]) -> Json:
    """Return the tags of an answer."""
    return cast("Json", tag_map(found.get("Tags", [])))


class Role(Kind):
    """A role."""

    token = "aws:iam/role:Role"  # noqa: S105 - a type
    label = "IAM Role"
    name = AutoName(longest=64)
    required = ("assumeRolePolicy",)
    optional = ("description", "permissionsBoundary")
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False}
    kept = ("forceDetachPolicies",)
    computed = ("arn", "createDate", "uniqueId")
    replaces = frozenset({"name", "path"})
    policies = ("assumeRolePolicy",)
    tagged = True
    regional = False
    gone = NO_ENTITY

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Refuse what is not JSON."""
        return is_json("assumeRolePolicy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make a role."""
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
            Tags=cast("Any", tag_list(tags_of(inputs))),
            **more,
        )
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the role."""
        try:
            found = answer(clients.iam.get_role(RoleName=resource_id)["Role"])
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
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
            "tagsAll": tags_found(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Change trust, description, duration and boundary."""
        iam = clients.iam
        iam.update_assume_role_policy(RoleName=resource_id, PolicyDocument=text(new, "assumeRolePolicy"))
        duration, description = whole(new, "maxSessionDuration"), text(new, "description")
        iam.update_role(RoleName=resource_id, Description=description, MaxSessionDuration=duration)
        boundary = text(new, "permissionsBoundary")
        if boundary and boundary != text(old, "permissionsBoundary"):
            iam.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=boundary)
        elif not boundary and text(old, "permissionsBoundary"):
            iam.delete_role_permissions_boundary(RoleName=resource_id)

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        removed = [key for key in tags_of(state) if key not in tags]
        clients.iam.untag_role(RoleName=resource_id, TagKeys=removed)
        clients.iam.tag_role(RoleName=resource_id, Tags=cast("Any", tag_list(tags)))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it; what others attached to it blocks that."""
        if state.get("forceDetachPolicies") is True:
            for one in clients.iam.list_attached_role_policies(RoleName=resource_id)["AttachedPolicies"]:
                clients.iam.detach_role_policy(RoleName=resource_id, PolicyArn=one.get("PolicyArn", ""))
            for name in clients.iam.list_role_policies(RoleName=resource_id)["PolicyNames"]:
                clients.iam.delete_role_policy(RoleName=resource_id, PolicyName=name)
        clients.iam.delete_role(RoleName=resource_id)


class RolePolicy(Kind):
    """An inline policy of a role. Its id is `role:name`."""

    token = "aws:iam/rolePolicy:RolePolicy"  # noqa: S105 - a type
    label = "IAM Role Policy"
    name = AutoName(longest=128)
    required = ("policy", "role")
    policies = ("policy",)
    replaces = frozenset({"name", "role"})
    regional = False
    gone = NO_ENTITY

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Refuse what is not JSON."""
        return is_json("policy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        """Put it."""
        role, name = text(inputs, "role"), text(inputs, "name")
        clients.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text(inputs, "policy"))
        return f"{role}:{name}"

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the document."""
        role, _, name = resource_id.partition(":")
        try:
            found = clients.iam.get_role_policy(RoleName=role, PolicyName=name)
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        return {"role": role, "name": name, "policy": document(found["PolicyDocument"])}

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Put another document."""
        self.create(clients, new)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it."""
        role, _, name = resource_id.partition(":")
        clients.iam.delete_role_policy(RoleName=role, PolicyName=name)
