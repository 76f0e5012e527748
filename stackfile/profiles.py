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


PRESETS: tuple[Preset, ...] = (
    Preset(
        "server.replicas",
        {"production": 2},
        "One can be moved to another node while the other serves.",
    ),
    Preset(
        "server.workers",
        {"small": 2, "production": 2},
        "Measured with 64 clients: 138 batches of metrics a second, 91 with one worker.",
    ),
    Preset(
        "server.poolSize",
        {"small": 15, "production": 15},
        "With two workers each serves half of the clients: 64 clients were served without a refusal by 30 connections.",
    ),
    Preset("server.poolOverflow", {"small": 5, "production": 5}, "As for `server.poolSize`."),
    Preset(
        "server.cpu",
        {"small": "500m", "production": "1"},
        "A worker under load takes one core; below half a core probes time out.",
    ),
    Preset(
        "database.maxConnections",
        {"small": 170, "production": 420},
        "What the server's pools come to, and the reserve.",
        kind="in-cluster",
    ),
    Preset(
        "database.memoryLimit",
        {"production": "2560Mi"},
        "The sum below for so many connections.",
        kind="in-cluster",
    ),
    Preset("server.memory", {"small": "1Gi", "production": "1Gi"}, "The sum below, for an idle server."),
    Preset("server.memoryLimit", {"small": "1536Mi", "production": "1536Mi"}, "The sum below, under load."),
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
