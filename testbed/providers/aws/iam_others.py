"""IAM: managed policies, their attachments, and identity providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.iam_roles import NO_ENTITY, document, is_json, tags_found
from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, tag_list, tags_of
from testbed.providers.values import Json, Object, strings, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class Policy(Kind):
    """A managed policy. Its id is its ARN."""

    token = "aws:iam/policy:Policy"  # noqa: S105 - a type
    label = "IAM Policy"
    name = AutoName()
    required = ("policy",)
    optional = ("description",)
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/"}
    computed = ("arn", "policyId")
    policies = ("policy",)
    replaces = frozenset({"name", "path", "description"})
    tagged = True
    regional = False
    gone = NO_ENTITY

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Refuse what is not JSON."""
        return is_json("policy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make a policy."""
        made = clients.iam.create_policy(
            PolicyName=text(inputs, "name"),
            Path=text(inputs, "path"),
            Description=text(inputs, "description"),
            PolicyDocument=text(inputs, "policy"),
            Tags=cast("Any", tag_list(tags_of(inputs))),
        )["Policy"]
        return made.get("Arn", "")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the policy in its version of today."""
        try:
            found = answer(clients.iam.get_policy(PolicyArn=resource_id)["Policy"])
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        version = found["DefaultVersionId"]
        written = clients.iam.get_policy_version(PolicyArn=resource_id, VersionId=version)["PolicyVersion"]
        return {
            "name": found["PolicyName"],
            "path": found["Path"],
            "description": found.get("Description") or None,
            "arn": resource_id,
            "policyId": found["PolicyId"],
            "policy": document(written.get("Document")),
            "tagsAll": tags_found(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Make a new version the one that counts; of five the oldest goes."""
        versions = clients.iam.list_policy_versions(PolicyArn=resource_id)["Versions"]
        others = [one.get("VersionId", "") for one in versions if not one.get("IsDefaultVersion")]
        if len(versions) >= _VERSIONS:
            oldest = min(others, key=lambda name: int(name.removeprefix("v")))
            clients.iam.delete_policy_version(PolicyArn=resource_id, VersionId=oldest)
        clients.iam.create_policy_version(PolicyArn=resource_id, PolicyDocument=text(new, "policy"), SetAsDefault=True)

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        removed = [key for key in tags_of(state) if key not in tags]
        clients.iam.untag_policy(PolicyArn=resource_id, TagKeys=removed)
        clients.iam.tag_policy(PolicyArn=resource_id, Tags=cast("Any", tag_list(tags)))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it with its versions."""
        for one in clients.iam.list_policy_versions(PolicyArn=resource_id)["Versions"]:
            if not one.get("IsDefaultVersion"):
                clients.iam.delete_policy_version(PolicyArn=resource_id, VersionId=one.get("VersionId", ""))
        clients.iam.delete_policy(PolicyArn=resource_id)


_VERSIONS = 5


class RolePolicyAttachment(Kind):
    """A managed policy on a role."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"  # noqa: S105 - a type
    label = "IAM Role Policy Attachment"
    required = ("role", "policyArn")
    replaces = frozenset({"role", "policyArn"})
    regional = False
    delete_first = True
    gone = NO_ENTITY

    def create(self, clients: Clients, inputs: Object) -> str:
        """Attach it."""
        role, policy = text(inputs, "role"), text(inputs, "policyArn")
        clients.iam.attach_role_policy(RoleName=role, PolicyArn=policy)
        return f"{role}/{policy}"

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Look whether it is attached."""
        role, policy = text(state, "role"), text(state, "policyArn")
        try:
            found = clients.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        return {"role": role, "policyArn": policy} if any(one.get("PolicyArn") == policy for one in found) else None

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Detach it."""
        clients.iam.detach_role_policy(RoleName=text(state, "role"), PolicyArn=text(state, "policyArn"))


class OpenIdConnectProvider(Kind):
    """An issuer whose tokens IAM takes. Its id is its ARN."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"  # noqa: S105 - a type
    label = "IAM OIDC Provider"
    required = ("url", "clientIdLists")
    optional = ("thumbprintLists",)
    computed = ("arn",)
    replaces = frozenset({"url"})
    sets = ("clientIdLists", "thumbprintLists")
    tagged = True
    regional = False
    gone = NO_ENTITY

    def create(self, clients: Clients, inputs: Object) -> str:
        """Register it."""
        return clients.iam.create_open_id_connect_provider(
            Url=text(inputs, "url"),
            ClientIDList=strings(inputs, "clientIdLists"),
            ThumbprintList=strings(inputs, "thumbprintLists"),
            Tags=cast("Any", tag_list(tags_of(inputs))),
        )["OpenIDConnectProviderArn"]

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return what is registered."""
        try:
            found = answer(clients.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=resource_id))
        except ClientError as error:
            if code_of(error) in NO_ENTITY:
                return None
            raise
        return {
            "url": text(state, "url"),
            "arn": resource_id,
            "clientIdLists": list(found["ClientIDList"]),
            "thumbprintLists": found["ThumbprintList"],
            "tagsAll": tags_found(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Take other audiences and thumbprints."""
        iam, before, after = clients.iam, strings(old, "clientIdLists"), strings(new, "clientIdLists")
        for client in set(after) - set(before):
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, ClientID=client)
        for client in set(before) - set(after):
            iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, ClientID=client)
        iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=resource_id, ThumbprintList=strings(new, "thumbprintLists")
        )

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        removed = [key for key in tags_of(state) if key not in tags]
        clients.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, TagKeys=removed)
        clients.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=resource_id, Tags=cast("Any", tag_list(tags)))

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Forget it."""
        clients.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)
