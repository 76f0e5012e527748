"""EC2: security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from testbed.providers.aws.kinds import AutoName, Failure, Kind, answer, removed_tags, tag_list, tag_map, tags_of
from testbed.providers.aws.rds import MANAGED
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, text, whole

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class Ec2Resource(Kind):
    """Base class of EC2 resources, whose tags are set by resource id."""

    tagged = True

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        if removed := removed_tags(state, tags):
            clients.ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed])
        clients.ec2.create_tags(Resources=[resource_id], Tags=tag_list(tags))


def _tagged(kind: str, inputs: Object) -> Any:  # noqa: ANN401 - an argument of boto3's own type
    tags = tags_of(inputs)
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(tags)}]} if tags else {}


class SecurityGroup(Ec2Resource):
    """A security group. Its rules are separate resources; AWS's default egress rule is removed at creation."""

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
        found = answer(clients.ec2.describe_security_groups(GroupIds=[resource_id])["SecurityGroups"][0])
        return {
            "name": found["GroupName"],
            "description": found["Description"],
            "vpcId": found["VpcId"],
            "ownerId": found["OwnerId"],
            "arn": f"arn:aws:ec2:{clients.region}:{found['OwnerId']}:security-group/{resource_id}",
            "tagsAll": cast("Json", tag_map(found.get("Tags", []))),
        }

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the group; moto does not check that it is unused."""
        clients.ec2.delete_security_group(GroupId=resource_id)


class SecurityGroupRule(Ec2Resource):
    """A security group rule with one peer (CIDR block or group) and one port range. Its id is AWS's `sgr-...`."""

    required = ("securityGroupId", "ipProtocol")
    optional = ("fromPort", "toPort", "cidrIpv4", "referencedSecurityGroupId")
    # moto does not keep the description if the peer is a security group.
    kept = ("description",)
    computed = ("arn", "securityGroupRuleId", "region")
    replaces = frozenset({"securityGroupId"})
    gone = frozenset({"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"})
    ingress: ClassVar[bool]

    def check(self, inputs: Object) -> Iterable[Failure]:
        if (inputs.get("cidrIpv4") is None) == (inputs.get("referencedSecurityGroupId") is None):
            yield "", "exactly one of cidr_ipv4 and referenced_security_group_id has to be set"

    def create(self, clients: Clients, inputs: Object) -> str:
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
        rules = clients.ec2.describe_security_group_rules(SecurityGroupRuleIds=[resource_id])["SecurityGroupRules"]
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
        """Always raise an error, because moto loses the id of a rule when it changes the rule."""
        raise ProviderError("the AWS provider stand-in does not support changes of security group rules in place")

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        remove = cast("Any", clients.ec2.revoke_security_group_ingress)
        if not self.ingress:
            remove = cast("Any", clients.ec2.revoke_security_group_egress)
        remove(GroupId=text(state, "securityGroupId"), SecurityGroupRuleIds=[resource_id])


class SecurityGroupIngressRule(SecurityGroupRule):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"  # noqa: S105 - a type
    label = "VPC Security Group Ingress Rule"
    ingress = True


class SecurityGroupEgressRule(SecurityGroupRule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"  # noqa: S105 - a type
    label = "VPC Security Group Egress Rule"
    ingress = False
