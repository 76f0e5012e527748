"""Makes components from settings: one function for each choice in the stack file."""

from factories.access import access_matrix
from factories.artifacts import artifacts
from factories.context import Context
from factories.database import database
from factories.exposure import certificate, guarded, route
from factories.login import Identity, identity, login
from factories.migration import migration
from factories.providers import providers
from factories.server import server
from factories.trust import trust
from factories.workspaces import cluster_roles, workspaces

__all__ = [
    "Context",
    "Identity",
    "access_matrix",
    "artifacts",
    "certificate",
    "cluster_roles",
    "database",
    "guarded",
    "identity",
    "login",
    "migration",
    "providers",
    "route",
    "server",
    "trust",
    "workspaces",
]
