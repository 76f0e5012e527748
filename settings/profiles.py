"""The three profiles: a table of defaults, and functions that apply it to a stack file.

A value comes from the stack file, else from the profile or `login.provider` (`providers.py`), else from the field's own
default. Each row of the table has one key, a value for each profile that overrides the field's own default, and the
reason.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import BaseModel

from settings import outline, providers

Profile = Literal["evaluation", "small", "production"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Preset:
    """Defaults of one key by profile."""

    path: str
    values: Mapping[Profile, Value]
    source: str
    """Reason for the values, for docs/sizing.md."""

    kind: str | None = None
    """The `kind` of the section that the values apply to; None if they apply to every `kind`."""

    @property
    def section(self) -> str:
        """The top-level key of `path`."""
        return self.path.partition(".")[0]


PRESETS: tuple[Preset, ...] = (
    Preset("server.replicas", {"production": 2}, "One replica keeps serving while the node of the other is drained."),
    Preset(
        "server.autoscaling.maxReplicas",
        {"production": 4},
        "Twice `server.replicas`; the database has connections for all replicas. Scaling needs a metrics server.",
    ),
    Preset(
        "server.workers",
        {"small": 2, "production": 2},
        "Measured with 64 clients: two workers log 138 batches of metrics per second, one worker logs 91.",
    ),
    Preset(
        "server.poolSize",
        {"small": 15, "production": 15},
        "A worker handles at most half as many requests at a time as it has connections: a request can hold two.",
    ),
    Preset("server.poolOverflow", {"small": 5, "production": 5}, "See `server.poolSize`."),
    Preset(
        "server.cpu",
        {"small": "500m", "production": "1"},
        "A worker under load uses one core; with less than half a core, probes time out.",
    ),
    Preset("server.memory", {"small": "1Gi", "production": "1Gi"}, "Enough for an idle server (see the sums below)."),
    Preset(
        "server.memoryLimit",
        {"small": "1536Mi", "production": "1536Mi"},
        "Enough for a server under load (see the sums below).",
    ),
    Preset(
        "database.maxConnections",
        {"small": 90, "production": 210},
        "The connections of all pools, plus the reserve.",
        kind="in-cluster",
    ),
    Preset(
        "database.memoryLimit",
        {"production": "3584Mi"},
        "Enough for all connections and searches (see the sums below).",
        kind="in-cluster",
    ),
    Preset(
        "database.instanceClass",
        {"evaluation": "db.t4g.small", "small": "db.t4g.medium", "production": "db.m7g.large"},
        "The smallest class with enough connections; in production one without burstable CPU.",
        kind="rds",
    ),
    Preset(
        "database.storage", {"evaluation": "20Gi", "small": "20Gi"}, "The smallest size that RDS allows.", kind="rds"
    ),
    Preset(
        "database.multiAz",
        {"evaluation": False, "small": False},
        "A standby doubles the cost, and shortens a failover from hours to minutes.",
        kind="rds",
    ),
    Preset(
        "database.backupDays",
        {"evaluation": 1, "small": 7, "production": 30},
        "The database can be restored to any moment in this period. Production keeps a month, because mistakes may be"
        " noticed late.",
        kind="rds",
    ),
    Preset(
        "backups.enabled",
        {"small": True, "production": True},
        "An evaluation may lose its data; its cluster may have no room for backups.",
    ),
    Preset(
        "backups.days",
        {"production": 30},
        "As with RDS: production keeps a month, because mistakes may be noticed late.",
    ),
    Preset(
        "server.migration.requireBackup",
        {"production": True},
        "A migration cannot be reverted. Without backups of the platform's own the setting has no effect.",
    ),
    Preset(
        "artifacts.noncurrentDays",
        {"evaluation": 1, "production": 90},
        "Deleted objects can be restored for this time, and cost storage.",
        kind="bucket",
    ),
    Preset(
        "artifacts.tieringDays",
        {"production": 30},
        "Objects of this age move to S3 Intelligent-Tiering, where those that nobody reads for 30 days cost less.",
        kind="bucket",
    ),
    Preset(
        "workspaces.quota.cpu", {"small": "8"}, "Two teams with this quota share a node of 16 cores with the platform."
    ),
    Preset("workspaces.quota.memory", {"small": "32Gi"}, "See `workspaces.quota.cpu`."),
    Preset("workspaces.quota.storage", {"small": "100Gi"}, "See `workspaces.quota.cpu`."),
)


def presets(document: Mapping[str, object]) -> Iterator[tuple[Preset, Value]]:
    """The rows of the table that apply to a document, each with the value for the document's profile."""
    profile = document.get("profile")
    for preset in PRESETS:
        kind = _mapping(document.get(preset.section)).get("kind")
        for name, value in preset.values.items():
            if name == profile and preset.kind in (None, kind):
                yield preset, value


def applied(document: Mapping[str, object], model: type[BaseModel]) -> dict[str, object]:
    """The document with the values of profile and identity provider for keys that the document does not set.

    A missing section that is required stays missing, so that the model reports it as missing.
    """
    known = outline.fields(model)
    paths = _paths(model)
    whole = dict(document)
    for preset, value in presets(document):
        section = known.get(preset.section)
        if section is not None and preset.path in paths and (preset.section in document or not section.is_required()):
            set_default(whole, preset.path.split("."), value)
    for name, value in providers.defaults(document).items():
        set_default(whole, [providers.SECTION, name], value)
    return whole


@functools.cache
def _paths(model: type[BaseModel]) -> frozenset[str]:
    """Paths of all keys of a model."""
    return frozenset(key.path for key in outline.keys(model))


def set_default(above: dict[str, object], path: Sequence[str], value: object) -> None:
    """Set the value at `path` if the key is missing. Nested mappings are copied, not changed; existing values stay."""
    step, *rest = path
    if not rest:
        above.setdefault(step, value)
        return
    inner = above.get(step, {})
    if isinstance(inner, Mapping):
        copy = dict(cast("Mapping[str, object]", inner))
        set_default(copy, rest, value)
        above[step] = copy


def origin(document: Mapping[str, object], path: Sequence[str]) -> str:
    """Origin of a key's value: `stack file`, `profile <name>`, `login.provider <name>` or `default`."""
    if path[-1] in section(document, path[:-1]):
        return "stack file"
    if any(preset.path == ".".join(path) for preset, _ in presets(document)):
        return f"profile {document['profile']}"
    if path[0] == providers.SECTION and path[-1] in providers.defaults(document):
        return f"login.provider {section(document, path[:1])['provider']}"
    return "default"


def section(document: Mapping[str, object], path: Sequence[str]) -> Mapping[str, object]:
    """The section at a path; empty if there is none."""
    for step in path:
        document = _mapping(document.get(step))
    return document


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
