"""What the three profiles set that a stack file leaves open: a table, and how it goes under the file.

The order is stack file, profile, the field's own default. A row names the profiles that differ from the field's own
default, and why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import BaseModel

from stackfile import outline

Profile = Literal["evaluation", "small", "production"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Preset:
    """What profiles set one key to."""

    path: str
    values: Mapping[Profile, Value]
    source: str
    """Where the figures come from."""

    kind: str | None = None
    """The `kind` that the section must have; None where every section of that name has the key."""

    @property
    def section(self) -> str:
        """The root key above it."""
        return self.path.partition(".")[0]


STORED = "Measured: 322 bytes for each value of a metric with its indexes; 20Gi hold 60 million."
PRESETS: tuple[Preset, ...] = (
    Preset("server.replicas", {"production": 2}, "One can be moved to another node while the other serves."),
    Preset(
        "server.autoscaling.maxReplicas",
        {"production": 4},
        "Twice as many: what the connections below are added up for. Without a metrics server nothing is scaled.",
    ),
    Preset(
        "server.workers",
        {"small": 2, "production": 2},
        "Measured with 64 clients: 138 batches of metrics a second, 91 with one worker.",
    ),
    Preset(
        "server.poolSize",
        {"small": 15, "production": 15},
        "A worker handles half as many requests at a time, for one may hold two connections (images/mlflow/server).",
    ),
    Preset("server.poolOverflow", {"small": 5, "production": 5}, "As for `server.poolSize`."),
    Preset(
        "server.cpu",
        {"small": "500m", "production": "1"},
        "A worker under load takes one core; below half a core probes time out.",
    ),
    Preset("server.memory", {"small": "1Gi", "production": "1Gi"}, "The sum below, for an idle server."),
    Preset("server.memoryLimit", {"small": "1536Mi", "production": "1536Mi"}, "The sum below, under load."),
    Preset(
        "database.maxConnections",
        {"small": 90, "production": 210},
        "What the server's pools come to, and the reserve.",
        kind="in-cluster",
    ),
    Preset("database.memoryLimit", {"production": "1280Mi"}, "The sum below for its connections.", kind="in-cluster"),
    Preset(
        "database.instanceClass",
        {"evaluation": "db.t4g.small", "small": "db.t4g.medium", "production": "db.m7g.large"},
        "The smallest that admits the connections; in production one whose CPU is not lent.",
        kind="rds",
    ),
    Preset("database.storage", {"evaluation": "20Gi", "small": "20Gi"}, "The least that RDS gives.", kind="rds"),
    Preset(
        "database.multiAz",
        {"evaluation": False, "small": False},
        "A standby costs as much as the instance, and spares minutes.",
        kind="rds",
    ),
    Preset(
        "database.backupDays",
        {"evaluation": 1, "small": 7, "production": 30},
        "A mistake is found within a week by those who work there daily, within a month by others.",
        kind="rds",
    ),
    Preset(
        "artifacts.noncurrentDays",
        {"evaluation": 1, "production": 90},
        "What was deleted can be had back for so long, and is paid for.",
        kind="bucket",
    ),
    Preset(
        "artifacts.tieringDays",
        {"production": 30},
        "S3 moves objects that nobody read for 30 days to a cheaper tier by itself from then on.",
        kind="bucket",
    ),
    Preset(
        "workspaces.quota.cpu", {"small": "8"}, "One node of 16 cores has room for the platform and two such teams."
    ),
    Preset("workspaces.quota.memory", {"small": "32Gi"}, "As for `workspaces.quota.cpu`."),
    Preset("workspaces.quota.storage", {"small": "100Gi"}, "As for `workspaces.quota.cpu`."),
)


def presets(document: Mapping[str, object]) -> Iterator[tuple[Preset, Value]]:
    """The rows that apply to what a document chooses, with the chosen profile's value."""
    profile = document.get("profile")
    for preset in PRESETS:
        kind = _mapping(document.get(preset.section)).get("kind")
        for name, value in preset.values.items():
            if name == profile and preset.kind in (None, kind):
                yield preset, value


def applied(document: Mapping[str, object], model: type[BaseModel]) -> dict[str, object]:
    """A document with the profile's values where it says nothing.

    A section that the file has to have and does not is left missing: what is wrong with it is said in its own words.
    """
    known = outline.fields(model)
    whole = dict(document)
    for preset, value in presets(document):
        section = known.get(preset.section)
        if section is not None and (preset.section in document or not section.is_required()):
            _put(whole, preset.path.split("."), value)
    return whole


def _put(above: dict[str, object], path: list[str], value: Value) -> None:
    """Set a value where nothing is said, in copies of the sections on the way; what is no section stays as it is."""
    step, *rest = path
    if not rest:
        above.setdefault(step, value)
        return
    inner = above.get(step, {})
    if isinstance(inner, Mapping):
        copy = dict(cast("Mapping[str, object]", inner))
        _put(copy, rest, value)
        above[step] = copy


def origin(document: Mapping[str, object], path: Sequence[str]) -> str:
    """Where the value of a key comes from: `stack file`, `profile <name>` or `default`."""
    here: object = document
    for step in path:
        if step not in _mapping(here):
            break
        here = _mapping(here)[step]
    else:
        return "stack file"
    if any(preset.path == ".".join(path) for preset, _ in presets(document)):
        return f"profile {document['profile']}"
    return "default"


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
