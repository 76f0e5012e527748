"""RDS: a database instance.

moto drops what it does not know (Performance Insights) and is done at once; such inputs stay in the state here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from botocore.exceptions import ClientError

from testbed.providers.aws.clients import code_of
from testbed.providers.aws.kinds import Answer, AutoName, Failure, answer, tag_list, tags_of
from testbed.providers.aws.rds import Tagged, tags_at
from testbed.providers.aws.rds_names import AT_ONCE, NAMES, NOT_MODIFIED, REPLACES
from testbed.providers.aws.rds_rules import failures
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients


class Instance(Tagged):
    """An instance. Its id is what AWS calls its resource id, which at moto is the same for all: hence by identifier."""

    token = "aws:rds/instance:Instance"  # noqa: S105 - a type
    label = "RDS DB Instance"
    name = AutoName(property="identifier", longest=63, separator="", lower=True)
    required = ("instanceClass",)
    chosen = (
        "backupRetentionPeriod",
        "backupWindow",
        "caCertIdentifier",
        "dbSubnetGroupName",
        "engine",
        "engineVersion",
        "kmsKeyId",
        "maintenanceWindow",
        "masterUserSecretKmsKeyId",
        "multiAz",
        "parameterGroupName",
        "port",
        "storageType",
        "username",
        "vpcSecurityGroupIds",
    )
    optional = (
        "allocatedStorage",
        "dbName",
        "enabledCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled",
        "manageMasterUserPassword",
        "maxAllocatedStorage",
    )
    defaults: ClassVar[Mapping[str, Json]] = {
        "applyImmediately": False,
        "autoMinorVersionUpgrade": True,
        "copyTagsToSnapshot": False,
        "deleteAutomatedBackups": True,
        "deletionProtection": False,
        "publiclyAccessible": False,
        "skipFinalSnapshot": False,
        "storageEncrypted": False,
    }
    kept = (
        "allowMajorVersionUpgrade",
        "applyImmediately",
        "autoMinorVersionUpgrade",
        "databaseInsightsMode",
        "deleteAutomatedBackups",
        "engineLifecycleSupport",
        "finalSnapshotIdentifier",
        "manageMasterUserPassword",
        "password",
        "performanceInsightsEnabled",
        "performanceInsightsKmsKeyId",
        "performanceInsightsRetentionPeriod",
        "skipFinalSnapshot",
    )
    computed = (
        "address",
        "arn",
        "endpoint",
        "engineVersionActual",
        "masterUserSecrets",
        "resourceId",
        "status",
        "region",
    )
    secret = ("password",)
    replaces = REPLACES
    sets = ("vpcSecurityGroupIds", "enabledCloudwatchLogsExports")
    gone = frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"})

    def check(self, inputs: Object) -> Iterable[Failure]:
        """Refuse what RDS refuses and moto takes."""
        return failures(inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        """Make an instance."""
        given: Any = _given(inputs, NAMES.keys())
        groups = given.pop("DBParameterGroupName", None)
        more: Any = {"DBParameterGroupName": groups} if groups else {}
        made = answer(
            clients.rds.create_db_instance(**given, **more, Tags=cast("Any", tag_list(tags_of(inputs))))["DBInstance"],
        )
        return str(made["DbiResourceId"])

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        """Return the instance."""
        try:
            found = self._found(clients, text(state, "identifier"))
        except ClientError as error:
            if code_of(error) in self.gone:
                return None
            raise
        endpoint, secret = found["Endpoint"], found.get("MasterUserSecret")
        same = {name: found.get(aws) for name, aws in NAMES.items() if aws in found}
        secrets: list[Json] = (
            [{"secretArn": secret["SecretArn"], "secretStatus": secret["SecretStatus"], "kmsKeyId": secret["KmsKeyId"]}]
            if secret
            else []
        )
        told: dict[str, Json] = {
            **cast("Object", same),
            "port": endpoint["Port"],
            "address": endpoint["Address"],
            "endpoint": f"{endpoint['Address']}:{endpoint['Port']}",
            "arn": found["DBInstanceArn"],
            "resourceId": resource_id,
            "status": found["DBInstanceStatus"],
            "engineVersionActual": found["EngineVersion"],
            "masterUserSecrets": secrets,
            "masterUserSecretKmsKeyId": secret["KmsKeyId"] if secret else None,
            "parameterGroupName": found["DBParameterGroups"][0]["DBParameterGroupName"],
            "dbSubnetGroupName": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
            "vpcSecurityGroupIds": [one["VpcSecurityGroupId"] for one in found["VpcSecurityGroups"]],
            "enabledCloudwatchLogsExports": found.get("EnabledCloudwatchLogsExports", []),
            "iamDatabaseAuthenticationEnabled": found.get("IAMDatabaseAuthenticationEnabled") or None,
            "tagsAll": tags_at(clients, found["DBInstanceArn"]),
        }
        return {key: value for key, value in told.items() if value is not None}

    def _found(self, clients: Clients, identifier: str) -> Answer:
        return answer(clients.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0])

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Change it: at once, or what cannot be otherwise."""
        at_once = new.get("applyImmediately") is True
        names = [name for name in NAMES if self.normal(name, old.get(name)) != self.normal(name, new.get(name))]
        names = [name for name in names if name not in NOT_MODIFIED and (at_once or name in AT_ONCE)]
        given: Any = _given(new, names)
        if text(old, "identifier") != text(new, "identifier"):
            given["NewDBInstanceIdentifier"] = text(new, "identifier")
        if given:
            identifier = text(old, "identifier")
            clients.rds.modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=at_once, **given)

    def delete(self, clients: Clients, resource_id: str, state: Object) -> None:
        """Delete it, with a last snapshot unless told otherwise; the protection has to be off by then."""
        identifier, snapshot = text(state, "identifier"), text(state, "finalSnapshotIdentifier")
        if state.get("skipFinalSnapshot") is not True and not snapshot:
            message = "final_snapshot_identifier is required when skip_final_snapshot is false"
            raise ProviderError(f"deleting {self.label} ({identifier}): {message}")
        last: Any = {"FinalDBSnapshotIdentifier": snapshot} if state.get("skipFinalSnapshot") is not True else {}
        clients.rds.delete_db_instance(
            DBInstanceIdentifier=identifier,
            SkipFinalSnapshot=not last,
            DeleteAutomatedBackups=state.get("deleteAutomatedBackups") is True,
            **last,
        )


def _given(inputs: Object, names: Iterable[str]) -> dict[str, object]:
    return {NAMES[name]: inputs[name] for name in names if inputs.get(name) is not None}
