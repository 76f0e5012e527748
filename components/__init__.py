"""The parts of the platform, each a Pulumi component that makes the decisions of its subject.

They read no configuration, no environment and no stack: everything they need is in their arguments.
"""

from components.allowance import ContainerDefaults, Quota
from components.certificate import Certificate, CertificateArgs, SelfSignedCertificate
from components.cluster_roles import ClusterRoles, ClusterRolesArgs
from components.external import ExternalDatabase, ExternalDatabaseArgs, ExternalStore, ExternalStoreArgs
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
from components.server import MLflowArgs
from components.workspace import Workspace, WorkspaceArgs

__all__ = [
    "Certificate",
    "CertificateArgs",
    "ClusterRoles",
    "ClusterRolesArgs",
    "ContainerDefaults",
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
    "Route",
    "SchemaMigration",
    "SchemaMigrationArgs",
    "SelfSignedCertificate",
    "Workspace",
    "WorkspaceArgs",
]
