"""Functions that create the components from the settings: a module for each subject, a function for each component."""

from factories.access import access_matrix
from factories.artifacts import artifact_store
from factories.backups import backup_bucket
from factories.context import Context, platform_namespace, providers, trust
from factories.database import database
from factories.exposure import certificate, console, route, server_route
from factories.external import outputs as external_teams
from factories.external import team_namespaces
from factories.login import IdentitySource, identity_source, login
from factories.monitoring import monitoring
from factories.restored import proof_and_undelete
from factories.retention import retention
from factories.server import migration, server, webhook_proxy
from factories.serving import serving
from factories.workspaces import cluster_roles, workspaces

__all__ = [
    "Context",
    "IdentitySource",
    "access_matrix",
    "artifact_store",
    "backup_bucket",
    "certificate",
    "cluster_roles",
    "console",
    "database",
    "external_teams",
    "identity_source",
    "login",
    "migration",
    "monitoring",
    "platform_namespace",
    "proof_and_undelete",
    "providers",
    "retention",
    "route",
    "server",
    "server_route",
    "serving",
    "team_namespaces",
    "trust",
    "webhook_proxy",
    "workspaces",
]
