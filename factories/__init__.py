"""Functions that create the components from the settings: a module for each subject, a function for each component."""

from factories.access import access_matrix
from factories.artifacts import artifact_store
from factories.context import Context, providers, trust
from factories.database import database
from factories.exposure import certificate, console, route, server_route
from factories.login import IdentitySource, identity_source, login
from factories.server import migration, server, webhook_proxy
from factories.workspaces import cluster_roles, workspaces

__all__ = [
    "Context",
    "IdentitySource",
    "access_matrix",
    "artifact_store",
    "certificate",
    "cluster_roles",
    "console",
    "database",
    "identity_source",
    "login",
    "migration",
    "providers",
    "route",
    "server",
    "server_route",
    "trust",
    "webhook_proxy",
    "workspaces",
]
