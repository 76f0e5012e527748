"""The parts of the platform, each a Pulumi component that makes the decisions of its subject.

They read no configuration, no environment and no stack: everything they need is in their arguments.
"""

from components.allowance import ContainerDefaults, Quota
from components.authority import Authorities, AuthoritiesArgs
from components.certificate import Certificate, CertificateArgs, SelfSignedCertificate
from components.cluster_roles import ClusterRoles, ClusterRolesArgs
from components.external_database import AdministratorArgs, ExternalDatabase, ExternalDatabaseArgs
from components.external_store import ExternalStore, ExternalStoreArgs, RoleOfAws
from components.forward_auth import ForwardAuth, ForwardAuthArgs
from components.gateway import Gateway, GatewayArgs, Route
from components.http_route import Listeners, ListenersArgs
from components.identity import IdentityProvider, IdentityProviderArgs, Oidc
from components.ingress import IngressRoute
from components.login import Login, LoginArgs
from components.migration import SchemaMigration, SchemaMigrationArgs
from components.mlflow import MLflow
from components.namespace import PlatformNamespace, PlatformNamespaceArgs
from components.object_store import ObjectStore, ObjectStoreArgs
from components.passwords import Passwords, PasswordsArgs
from components.postgres import Postgres, PostgresArgs
from components.role import Administrator, DatabaseRole, DatabaseRoleArgs
from components.server import MLflowArgs
from components.sqlite import Sqlite, SqliteArgs
from components.volume_store import VolumeStore, VolumeStoreArgs
from components.workspace import Workspace, WorkspaceArgs

__all__ = [
    "Administrator",
    "AdministratorArgs",
    "Authorities",
    "AuthoritiesArgs",
    "Certificate",
    "CertificateArgs",
    "ClusterRoles",
    "ClusterRolesArgs",
    "ContainerDefaults",
    "DatabaseRole",
    "DatabaseRoleArgs",
    "ExternalDatabase",
    "ExternalDatabaseArgs",
    "ExternalStore",
    "ExternalStoreArgs",
    "ForwardAuth",
    "ForwardAuthArgs",
    "Gateway",
    "GatewayArgs",
    "IdentityProvider",
    "IdentityProviderArgs",
    "IngressRoute",
    "Listeners",
    "ListenersArgs",
    "Login",
    "LoginArgs",
    "MLflow",
    "MLflowArgs",
    "ObjectStore",
    "ObjectStoreArgs",
    "Oidc",
    "Passwords",
    "PasswordsArgs",
    "PlatformNamespace",
    "PlatformNamespaceArgs",
    "Postgres",
    "PostgresArgs",
    "Quota",
    "RoleOfAws",
    "Route",
    "SchemaMigration",
    "SchemaMigrationArgs",
    "SelfSignedCertificate",
    "Sqlite",
    "SqliteArgs",
    "VolumeStore",
    "VolumeStoreArgs",
    "Workspace",
    "WorkspaceArgs",
]
