"""Rule for PostgreSQL in the cluster: it has backups.

A container beside PostgreSQL, or a workload in the same namespace, counts as a backup if its name, its image or its
command line names a backup tool. Databases at AWS have a rule of their own (`databases-are-durable`).
"""

import re
from collections.abc import Iterator, Mapping

from .configuration import Schema
from .pods import POD_PATHS, Container, containers_of
from .resource import Resource

DEMANDED: Mapping[str, Schema] = {
    "profiles": {
        "type": "array",
        "description": "profiles of the platform in which PostgreSQL in the cluster needs backups",
        "items": {"type": "string", "description": "a value of the setting `profile`"},
        "default": ["production"],
    },
    "stacks": {
        "type": "array",
        "description": "names of stacks in which PostgreSQL needs backups, whatever their profile",
        "items": {"type": "string", "description": "name of a stack"},
        "default": [],
    },
}
PORT = 5432
# Images of the server, by the last part of their name.
SERVER = re.compile(r"(?:postgres|postgresql|postgis|pgvector|timescaledb|timescaledb-ha|spilo-\d+)")
# What a container that takes backups is called, or runs.
TOOL = re.compile(r"backup|pg_?dump|pgbackrest|barman|wal-[eg]\b", re.IGNORECASE)
MISSING = "is PostgreSQL without backups: add a container that takes them, or a CronJob in its namespace"


def backed_up(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """Every StatefulSet with PostgreSQL has a backup, in stacks that the parameters name."""
    for resource in resources:
        servers = [one for one in containers_of(resource) if resource.kind == "StatefulSet" and _is_server(one)]
        if servers and _demanded(resource) and not any(_backs_up(other, resource) for other in resources):
            yield MISSING, resource


def _demanded(resource: Resource) -> bool:
    return resource.profile in resource.config["profiles"] or resource.stack in resource.config["stacks"]


def _is_server(container: Container) -> bool:
    """True for a container with PostgreSQL, by its image or its port."""
    ports = [port["containerPort"] for port in container.spec["ports"].each()]
    return bool(SERVER.fullmatch(_image(container))) or any(port.is_surely(PORT) for port in ports)


def _image(container: Container) -> str:
    """The last part of the image's name, without tag and digest."""
    return re.split("[:@]", container.spec["image"].text.rpartition("/")[2])[0]


def _backs_up(other: Resource, database: Resource) -> bool:
    """True if a workload may take the backups of a database, which may be the workload itself."""
    own = other.urn == database.urn
    here, there = other.inputs.at("metadata.namespace"), database.inputs.at("metadata.namespace")
    if other.kind not in POD_PATHS or not (own or here.may_equal(there)):
        return False
    # PostgreSQL's own container takes backups only if its command line says so.
    return any(_saves(one) or (not (own and _is_server(one)) and not _is_decided(one)) for one in containers_of(other))


def _saves(container: Container) -> bool:
    """True if name, image or command line of a container name a backup tool."""
    spec = container.spec
    words = (_image(container), spec["name"].text, *spec["command"].texts(), *spec["args"].texts())
    return any(TOOL.search(word) for word in words)


def _is_decided(container: Container) -> bool:
    """True if name, image, command and arguments of a container are known."""
    parts = [container.spec[key] for key in ("name", "image", "command", "args")]
    return all(one.known and all(item.known for item in one.each()) for one in parts)
