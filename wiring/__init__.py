"""Which component each choice in the settings stands for: one function per choice, no resource of its own."""

from wiring.artifacts import artifacts
from wiring.context import Context
from wiring.database import database
from wiring.login import Identity, identity, login
from wiring.migration import migration
from wiring.providers import providers
from wiring.server import server
from wiring.trust import trust
from wiring.way_in import certificate, guarded, route
from wiring.workspaces import cluster_roles, workspaces

__all__ = [
    "Context",
    "Identity",
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
