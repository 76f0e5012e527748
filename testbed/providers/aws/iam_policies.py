"""IAM: managed policies, their attachments, and inline policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from testbed.providers.aws.iam import NO_ENTITY, IamResource, document, json_failures, tags_in
from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, tag_list, tags_of
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.providers.aws.clients import Clients

_VERSIONS: Final = 5


class Policy(IamResource):
    """A managed policy. Its id is its ARN."""

    token = "aws:iam/policy:Policy"  # noqa: S105 - a type
    label = "IAM Policy"
    noun, id_parameter = "policy", "PolicyArn"
    name = AutoName()
    required = ("policy",)
    optional = ("description",)
    defaults: ClassVar[Mapping[str, Json]] = {"path": "/"}
    computed = ("arn", "policyId")
    policies = ("policy",)
    replaces = frozenset({"name", "path", "description"})

    def check(self, inputs: Object) -> Iterable[Failure]:
        return json_failures("policy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        made = clients.iam.create_policy(
            PolicyName=text(inputs, "name"),
            Path=text(inputs, "path"),
            Description=text(inputs, "description"),
            PolicyDocument=text(inputs, "policy"),
            Tags=tag_list(tags_of(inputs)),
        )["Policy"]
        return made.get("Arn", "")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the policy with the document of its default version."""
        found = answer(clients.iam.get_policy(PolicyArn=resource_id)["Policy"])
        version = found["DefaultVersionId"]
        written = clients.iam.get_policy_version(PolicyArn=resource_id, VersionId=version)["PolicyVersion"]
        return {
            "name": found["PolicyName"],
            "path": found["Path"],
            "description": found.get("Description") or None,
            "arn": resource_id,
            "policyId": found["PolicyId"],
            "policy": document(written.get("Document")),
            "tagsAll": tags_in(found),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Create a new version of the policy and make it the default.

        AWS allows five versions: if all exist, first delete the oldest version that is not the default.
        """
        versions = clients.iam.list_policy_versions(PolicyArn=resource_id)["Versions"]
        others = [one.get("VersionId", "") for one in versions if not one.get("IsDefaultVersion")]
        if len(versions) >= _VERSIONS:
            oldest = min(others, key=lambda name: int(name.removeprefix("v")))
            clients.iam.delete_policy_version(PolicyArn=resource_id, VersionId=oldest)
        clients.iam.create_policy_version(PolicyArn=resource_id, PolicyDocument=text(new, "policy"), SetAsDefault=True)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the policy with all its versions."""
        for one in clients.iam.list_policy_versions(PolicyArn=resource_id)["Versions"]:
            if not one.get("IsDefaultVersion"):
                clients.iam.delete_policy_version(PolicyArn=resource_id, VersionId=one.get("VersionId", ""))
        clients.iam.delete_policy(PolicyArn=resource_id)


class RolePolicyAttachment(Kind):
    """The attachment of a managed policy to a role."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"  # noqa: S105 - a type
    label = "IAM Role Policy Attachment"
    required = ("role", "policyArn")
    replaces = frozenset({"role", "policyArn"})
    regional = False
    delete_first = True
    gone = NO_ENTITY

    def create(self, clients: Clients, inputs: Object) -> str:
        role, policy = text(inputs, "role"), text(inputs, "policyArn")
        clients.iam.attach_role_policy(RoleName=role, PolicyArn=policy)
        return f"{role}/{policy}"

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        role, policy = text(state, "role"), text(state, "policyArn")
        found = clients.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        return {"role": role, "policyArn": policy} if any(one.get("PolicyArn") == policy for one in found) else None

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.iam.detach_role_policy(RoleName=text(state, "role"), PolicyArn=text(state, "policyArn"))


class InlinePolicy(Kind):
    """An inline policy. Its id is `holder:name`, where the holder is the name of the role or user."""

    name = AutoName(longest=128)
    policies = ("policy",)
    regional = False
    gone = NO_ENTITY
    holder: ClassVar[str]
    """`role` or `user`: the input for the holder, and the word in the names of boto3's methods."""

    def check(self, inputs: Object) -> Iterable[Failure]:
        return json_failures("policy", inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        resource_id = f"{text(inputs, self.holder)}:{text(inputs, 'name')}"
        self._call("put", clients, resource_id, PolicyDocument=text(inputs, "policy"))
        return resource_id

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = self._call("get", clients, resource_id)
        return {
            self.holder: found[f"{self.holder.title()}Name"],
            "name": found["PolicyName"],
            "policy": document(found["PolicyDocument"]),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        self.create(clients, new)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        self._call("delete", clients, resource_id)

    def _call(self, verb: str, clients: Clients, resource_id: str, **more: str) -> Any:  # noqa: ANN401 - boto3's answer
        holder, _, name = resource_id.partition(":")
        method = getattr(clients.iam, f"{verb}_{self.holder}_policy")
        return method(**{f"{self.holder.title()}Name": holder}, PolicyName=name, **more)


class RolePolicy(InlinePolicy):
    token = "aws:iam/rolePolicy:RolePolicy"  # noqa: S105 - a type
    label = "IAM Role Policy"
    holder = "role"
    required = ("policy", "role")
    replaces = frozenset({"name", "role"})


class UserPolicy(InlinePolicy):
    token = "aws:iam/userPolicy:UserPolicy"  # noqa: S105 - a type
    label = "IAM User Policy"
    holder = "user"
    required = ("policy", "user")
    replaces = frozenset({"name", "user"})
