"""RDS: database instances.

Inputs that moto does not return, such as those of Performance Insights, keep the value in the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from testbed.providers.aws.kinds import AutoName, Failure, answer, tag_list, tags_of
from testbed.providers.aws.rds import RdsResource, tags_at
from testbed.providers.aws.rds_rules import failures
from testbed.providers.protocol import ProviderError
from testbed.providers.values import Json, Object, text

if TYPE_CHECKING:
    from testbed.providers.aws.clients import Clients

# The names of inputs, and their names in RDS's API.
NAMES: Final[Mapping[str, str]] = {
    "allocatedStorage": "AllocatedStorage",
    "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "backupRetentionPeriod": "BackupRetentionPeriod",
    "backupWindow": "PreferredBackupWindow",
    "caCertIdentifier": "CACertificateIdentifier",
    "copyTagsToSnapshot": "CopyTagsToSnapshot",
    "dbName": "DBName",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "deletionProtection": "DeletionProtection",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "engine": "Engine",
    "engineVersion": "EngineVersion",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "kmsKeyId": "KmsKeyId",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "masterUserSecretKmsKeyId": "MasterUserSecretKmsKeyId",
    "maxAllocatedStorage": "MaxAllocatedStorage",
    "multiAz": "MultiAZ",
    "parameterGroupName": "DBParameterGroupName",
    "password": "MasterUserPassword",
    "port": "Port",
    "publiclyAccessible": "PubliclyAccessible",
    "storageEncrypted": "StorageEncrypted",
    "storageType": "StorageType",
    "username": "MasterUsername",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}
REPLACES: Final = frozenset({"engine", "username", "dbName", "kmsKeyId", "storageEncrypted"})
NOT_MODIFIED: Final = REPLACES | {"dbSubnetGroupName", "enabledCloudwatchLogsExports", "identifier"}
# RDS changes these at once even without applyImmediately; all other changes then wait for the maintenance window.
AT_ONCE: Final = frozenset({"backupRetentionPeriod", "copyTagsToSnapshot", "deletionProtection", "maxAllocatedStorage"})


class Instance(RdsResource):
    """A database instance. Its id is AWS's resource id, which is the same for all instances in moto.

    Calls use the input `identifier` instead.
    """

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
        return failures(inputs)

    def create(self, clients: Clients, inputs: Object) -> str:
        given: Any = _given(inputs, NAMES.keys())
        groups = given.pop("DBParameterGroupName", None)
        more: Any = {"DBParameterGroupName": groups} if groups else {}
        made = answer(
            clients.rds.create_db_instance(**given, **more, Tags=tag_list(tags_of(inputs)))["DBInstance"],
        )
        return str(made["DbiResourceId"])

    def read(self, clients: Clients, resource_id: str, state: Object) -> Object | None:
        identifier = text(state, "identifier")
        found = answer(clients.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0])
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

    def update(self, clients: Clients, resource_id: str, old: Object, new: Object) -> None:
        """Change the instance; without `applyImmediately` only the identifier and the properties in `AT_ONCE`."""
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
        """Delete the instance, with a final snapshot unless `skipFinalSnapshot` is set."""
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
