"""EC2: security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, tag_list, tag_map, tags_of
from testbed.providers.aws.rds import MANAGED
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, text, whole

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

ACCOUNT_OWNS = "self"


class TaggedInEc2(Kind):
    """What EC2 tags by its id."""

    tagged = True

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        removed = [{"Key": key} for key in tags_of(state) if key not in tags]
        if removed:
            clients.ec2.delete_tags(Resources=[resource_id], Tags=cast("Any", removed))
        clients.ec2.create_tags(Resources=[resource_id], Tags=cast("Any", tag_list(tags)))


def _tagged(kind: str, inputs: Object) -> Any:  # noqa: ANN401 - an argument of boto3's own type
    tags = tags_of(inputs)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


class SecurityGroup(TaggedInEc2):
    """A group. Rules are resources of their own; the one that AWS adds is taken away, as the real provider does."""

    token = "aws:ec2/securityGroup:SecurityGroup"  # noqa: S105 - a type
    label = "EC2 Security Group"
    name = AutoName()
    defaults: ClassVar[Mapping[str, Json]] = {"description": MANAGED, "revokeRulesOnDelete": False}
    chosen = ("vpcId",)
    kept = ("revokeRulesOnDelete",)
    computed = ("arn", "ownerId", "region")
    replaces = frozenset({"name", "description", "vpcId"})
    gone = frozenset({"InvalidGroup.NotFound"})

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make a group that lets nothing out."""
        more: Any = {"VpcId": text(inputs, "vpcId")} if inputs.get("vpcId") else {}
        made = clients.ec2.create_security_group(
            GroupName=text(inputs, "name"),
            Description=text(inputs, "description"),
            **more,
            **_tagged("security-group", inputs),
        )["GroupId"]
        everything: Any = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        clients.ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
        return made

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the group."""
        try:
            found = answer(clients.ec2.describe_security_groups(GroupIds=[resource_id])["SecurityGroups"][0])
        except ClientError as error:
            if code_of(error) in self.gone:
                return None
            raise
        return {
            "name": found["GroupName"],
            "description": found["Description"],
            "vpcId": found["VpcId"],
            "ownerId": found["OwnerId"],
            "arn": f"arn:aws:ec2:{clients.region}:{found['OwnerId']}:security-group/{resource_id}",
            "tagsAll": cast("Json", tag_map(found.get("Tags", []))),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Have nothing to change: what can change in place is in the state."""

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it; moto does not know what still uses it."""
        clients.ec2.delete_security_group(GroupId=resource_id)


class SecurityGroupRule(TaggedInEc2):
    """A rule, one source and one range of ports. Its id is AWS's `sgr-`."""

    required = ("securityGroupId", "ipProtocol")
    optional = ("fromPort", "toPort", "cidrIpv4", "referencedSecurityGroupId")
    # moto forgets it where the source is a group.
    kept = ("description",)
    computed = ("arn", "securityGroupRuleId", "region")
    replaces = frozenset({"securityGroupId"})
    gone = frozenset({"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"})
    ingress: ClassVar[bool]

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Want exactly one source."""
        if (inputs.get("cidrIpv4") is None) == (inputs.get("referencedSecurityGroupId") is None):
            yield "", "exactly one of cidr_ipv4 and referenced_security_group_id has to be set"

    def create(self, clients: Clients, inputs: Object) -> str:
        """Add it to its group."""
        permission: dict[str, Any] = {"IpProtocol": text(inputs, "ipProtocol")}
        if inputs.get("fromPort") is not None:
            permission |= {"FromPort": whole(inputs, "fromPort"), "ToPort": whole(inputs, "toPort")}
        about: Any = {"Description": text(inputs, "description")} if inputs.get("description") else {}
        if inputs.get("cidrIpv4"):
            permission["IpRanges"] = [{"CidrIp": text(inputs, "cidrIpv4"), **about}]
        else:
            permission["UserIdGroupPairs"] = [{"GroupId": text(inputs, "referencedSecurityGroupId"), **about}]
        add = clients.ec2.authorize_security_group_ingress
        if not self.ingress:
            add = cast("Any", clients.ec2.authorize_security_group_egress)
        made = answer(
            add(
                GroupId=text(inputs, "securityGroupId"),
                IpPermissions=cast("Any", [permission]),
                **_tagged("security-group-rule", inputs),
            ),
        )
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the rule."""
        try:
            rules = clients.ec2.describe_security_group_rules(SecurityGroupRuleIds=[resource_id])["SecurityGroupRules"]
        except ClientError as error:
            if code_of(error) in self.gone:
                return None
            raise
        if not rules:
            return None
        found = answer(rules[0])
        told: Object = {
            "securityGroupId": text(state, "securityGroupId"),
            "securityGroupRuleId": resource_id,
            "arn": f"arn:aws:ec2:{clients.region}:{found.get('GroupOwnerId', '')}:security-group-rule/{resource_id}",
            "ipProtocol": found.get("IpProtocol"),
            "fromPort": found.get("FromPort"),
            "toPort": found.get("ToPort"),
            "cidrIpv4": found.get("CidrIpv4"),
            "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
            "tagsAll": cast("Json", tag_map(found.get("Tags", []))),
        }
        return {key: value for key, value in told.items() if value is not None}

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Refuse, because moto would lose the id: a test that needs it has to add it here."""
        raise ProviderError("the provider stand-in of the tests does not change rules of security groups in place")

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Take it out of its group."""
        remove = cast("Any", clients.ec2.revoke_security_group_ingress)
        if not self.ingress:
            remove = cast("Any", clients.ec2.revoke_security_group_egress)
        remove(GroupId=text(state, "securityGroupId"), SecurityGroupRuleIds=[resource_id])


class SecurityGroupIngressRule(SecurityGroupRule):
    """What may come in."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"  # noqa: S105 - a type
    label = "VPC Security Group Ingress Rule"
    ingress = True


class SecurityGroupEgressRule(SecurityGroupRule):
    """What may go out."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"  # noqa: S105 - a type
    label = "VPC Security Group Egress Rule"
    ingress = False
