"""JSON Schema of a whole stack file, docs/pulumi-stack.schema.json, with which editors check and complete it.

It is less strict than a preview: it has no rules that compare settings. Defaults that depend on the profile or on
`login.provider` are absent.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from settings import ExternalSettings, Settings, outline, profiles, providers
from settings.modes import KINDS
from settings.secrets import NEEDS, PROJECT

SECRET = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}


def text() -> str:
    """The text of docs/pulumi-stack.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of a `Pulumi.<stack>.yaml`."""
    models = [
        cast("dict[str, Any]", _readable(model.model_json_schema(by_alias=True)))
        for model in (Settings, ExternalSettings)
    ]
    platform, external = models
    definitions: dict[str, Any] = external["$defs"] | platform["$defs"]
    for preset in profiles.PRESETS:
        _without_default(definitions, preset.path, preset.kind)
    for name in providers.KEYS:
        _without_default(definitions, f"{providers.SECTION}.{name}", providers.KIND)
    for definition in definitions.values():
        if "kind" in definition["properties"]:
            definition["properties"]["kind"]["description"] = definition["description"]
    server = f"{PROJECT}:server"
    is_external = {"type": "object", "properties": {"kind": {"enum": [*KINDS]}}, "required": ["kind"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of the MLflow platform",
        "description": "Written by `make generate`; docs/configuration.md lists the same keys in tables.",
        "type": "object",
        "properties": {
            "config": {
                "if": {"properties": {server: is_external}, "required": [server]},
                "then": _config(external),
                "else": _config(platform),
            }
        },
        "required": ["config"],
        "$defs": definitions,
    }


def _config(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of `config:`: the keys of a settings model and the secrets, with the project's prefix."""
    keys = {
        **settings["properties"],
        **{name: {"description": need.meaning, **SECRET} for name, need in NEEDS.items()},
    }
    return {
        "type": "object",
        "properties": {f"{PROJECT}:{name}": value for name, value in keys.items()},
        "required": [f"{PROJECT}:{name}" for name in settings["required"]],
        # Keys of other namespaces are not the platform's.
        "patternProperties": {f"^{PROJECT}:(?!(?:{'|'.join(keys)})$)": False},
    }


def _without_default(definitions: Mapping[str, Any], path: str, kind: str | None) -> None:
    """Make a key optional and remove its default, because the profile or `login.provider` may set the key."""
    section, *steps = path.split(".")
    place = outline.locate(Settings, [section, *([kind] if kind else []), *steps])
    definition = definitions[place.parents[0].__name__]
    definition["properties"][steps[-1]].pop("default", None)
    definition["required"] = [name for name in definition.get("required", []) if name != steps[-1]]


def _readable(value: object) -> object:
    """A schema without pydantic's titles and OpenAPI's discriminators, and with descriptions in one line."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        # Pydantic's schema of a mapping allows names that do not match.
        closed = {"additionalProperties": False} if "patternProperties" in entries else {}
        return closed | {
            key: " ".join(inner.split()) if key == "description" and isinstance(inner, str) else _readable(inner)
            for key, inner in entries.items()
            if not (key == "title" and isinstance(inner, str))
            and key != "discriminator"
            and (key, inner) != ("default", None)
            # A list that must not be empty can only be left out.
            and not (key == "default" and inner == [] and "minItems" in entries)
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_readable(inner) for inner in cast("Sequence[object]", value)]
    return value
