"""RDS: subnet groups and parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.kinds import Answer, AutoName, Kind, answer, removed_tags, tag_list, tags_of
from testbed.providers.aws.shapes import to_aws
from testbed.providers.values import Json, Object, has_unknown, objects, strings, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

MANAGED = "Managed by Pulumi"


def tags_at(clients: Clients, arn: str) -> Json:
    """Return the tags of the RDS resource with this ARN."""
    found = clients.rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    return {tag.get("Key", ""): tag.get("Value", "") for tag in found}


class RdsResource(Kind):
    """Base class of RDS resources, whose tags are set by ARN."""

    tagged = True

    def change_tags(self, clients: Clients, resource_id: str, state: Object, tags: Mapping[str, str]) -> None:
        arn = text(state, "arn")
        clients.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=removed_tags(state, tags))
        clients.rds.add_tags_to_resource(ResourceName=arn, Tags=tag_list(tags))


class SubnetGroup(RdsResource):
    token = "aws:rds/subnetGroup:SubnetGroup"  # noqa: S105 - a type
    label = "RDS DB Subnet Group"
    name = AutoName(lower=True)
    required = ("subnetIds",)
    defaults: ClassVar[Mapping[str, Json]] = {"description": MANAGED}
    computed = ("arn", "vpcId", "region")
    sets = ("subnetIds",)
    replaces = frozenset({"name"})
    gone = frozenset({"DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound"})

    def create(self, clients: Clients, inputs: Object) -> str:
        clients.rds.create_db_subnet_group(
            DBSubnetGroupName=text(inputs, "name"),
            DBSubnetGroupDescription=text(inputs, "description"),
            SubnetIds=strings(inputs, "subnetIds"),
            Tags=tag_list(tags_of(inputs)),
        )
        return text(inputs, "name")

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        found = answer(clients.rds.describe_db_subnet_groups(DBSubnetGroupName=resource_id)["DBSubnetGroups"][0])
        return {
            "name": resource_id,
            "description": found["DBSubnetGroupDescription"],
            "arn": found["DBSubnetGroupArn"],
            "vpcId": found["VpcId"],
            "subnetIds": [subnet["SubnetIdentifier"] for subnet in found["Subnets"]],
            "tagsAll": tags_at(clients, found["DBSubnetGroupArn"]),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        clients.rds.modify_db_subnet_group(
            DBSubnetGroupName=resource_id,
            DBSubnetGroupDescription=text(new, "description"),
            SubnetIds=strings(new, "subnetIds"),
        )

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        clients.rds.delete_db_subnet_group(DBSubnetGroupName=resource_id)


class ParameterGroup(RdsResource):
    """Parameters of the database server. moto accepts any parameter name."""

    token = "aws:rds/parameterGroup:ParameterGroup"  # noqa: S105 - a type
    label = "RDS DB Parameter Group"
    name = AutoName(lower=True)
    required = ("family",)
    optional = ("parameters",)
    defaults: ClassVar[Mapping[str, Json]] = {"description": MANAGED}
    computed = ("arn", "region")
    replaces = frozenset({"name", "family", "description"})
    gone = frozenset({"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"})

    def normal(self, name: str, value: Json) -> Json:
        """Normalize `parameters`: sorted, and with the default `applyMethod`."""
        if name != "parameters" or not isinstance(value, list) or has_unknown(value):
            return super().normal(name, value)
        found: list[Json] = [{"applyMethod": "immediate", **one} for one in value if isinstance(one, dict)]
        return sorted(found, key=str) or None

    def create(self, clients: Clients, inputs: Object) -> str:
        clients.rds.create_db_parameter_group(
            DBParameterGroupName=text(inputs, "name"),
            DBParameterGroupFamily=text(inputs, "family"),
            Description=text(inputs, "description"),
            Tags=tag_list(tags_of(inputs)),
        )
        self._set(clients, text(inputs, "name"), inputs)
        return text(inputs, "name")

    def _set(self, clients: Clients, name: str, inputs: Object) -> None:
        parameters = [
            {"ApplyMethod": "immediate", **cast("dict[str, Any]", _parameter(one))}
            for one in objects(inputs, "parameters")
        ]
        if parameters:
            clients.rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=cast("Any", parameters))

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the group with only those parameters that a user has set, without AWS's defaults."""
        groups = answer(clients.rds.describe_db_parameter_groups(DBParameterGroupName=resource_id))
        found = groups["DBParameterGroups"][0]
        given = answer(clients.rds.describe_db_parameters(DBParameterGroupName=resource_id, Source="user"))
        parameters: list[Json] = [
            {"name": one["ParameterName"], "value": one["ParameterValue"], "applyMethod": one["ApplyMethod"]}
            for one in given["Parameters"]
            if one.get("ParameterValue") is not None
        ]
        return {
            "name": resource_id,
            "family": found["DBParameterGroupFamily"],
            "description": found["Description"],
            "arn": found["DBParameterGroupArn"],
            "parameters": parameters,
            "tagsAll": tags_at(clients, found["DBParameterGroupArn"]),
        }

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Set the parameters, and reset those that are no longer listed."""
        kept = {text(one, "name") for one in objects(new, "parameters")}
        lost = [_parameter(one) for one in objects(old, "parameters") if text(one, "name") not in kept]
        if lost:
            clients.rds.reset_db_parameter_group(DBParameterGroupName=resource_id, Parameters=cast("Any", lost))
        self._set(clients, resource_id, new)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete the group, or raise AWS's error if an instance uses it; moto would delete it and fail later."""
        for page in clients.rds.get_paginator("describe_db_instances").paginate():
            for instance in cast("list[Answer]", page["DBInstances"]):
                if any(one["DBParameterGroupName"] == resource_id for one in instance["DBParameterGroups"]):
                    found = f"One or more database instances are still members of this parameter group {resource_id}"
                    error = {"Error": {"Code": "InvalidDBParameterGroupState", "Message": found}}
                    raise ClientError(cast("Any", error), "DeleteDBParameterGroup")
        clients.rds.delete_db_parameter_group(DBParameterGroupName=resource_id)


def _parameter(value: Object) -> dict[str, object]:
    return to_aws(value, {"name": "ParameterName", "value": "ParameterValue"})
