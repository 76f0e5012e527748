"""RDS: the inputs of a database instance, and how they change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Ours, and what RDS calls it, where the rule "first letter in upper case" is not it.
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
# What RDS changes at once, whatever applyImmediately says; the rest waits for the window without it.
AT_ONCE: Final = frozenset({"backupRetentionPeriod", "copyTagsToSnapshot", "deletionProtection", "maxAllocatedStorage"})
