"""Text of docs/configuration.md, which `make generate` writes from the settings model."""

import inspect
import json
from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from settings import Settings, outline, profiles
from settings.secrets import NEEDS, PROJECT

INTRODUCTION = f"""# Configuration

A stack is configured in `Pulumi.<stack>.yaml`. All keys below are in its section `config:`, with the prefix
`{PROJECT}:`, for example `{PROJECT}:host: mlflow.example.com`; single keys of a section can also be set with
`pulumi config set --path server.replicas 2`. `*` stands for a name that you choose. `Pulumi.dev.yaml` and
`Pulumi.prod.yaml` are complete examples.

The profile sets some of the defaults. `make configuration` prints all values of a stack and their origin
([sizing.md](sizing.md)).

`pulumi preview` reports all mistakes in the file together: the key, the expected value, and a remedy.

<!-- Written by `make generate`; do not edit. -->
"""
SECRETS = """## Secrets

Set them with `pulumi config set --secret <key>`, which prompts for the value. A secret in plain text is an error.

| Key | Needed by | Meaning |
|---|---|---|
"""
HEAD = "| Key | Expected | Default | Meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The text of docs/configuration.md."""
    sections = {name: field for name, field in outline.fields(Settings).items() if outline.models(field.annotation)}
    single = [key for key in outline.keys(Settings) if "." not in key.path and key.path not in sections]
    secrets = "".join(f"| `{name}` | {need.condition} | {need.meaning} |\n" for name, need in NEEDS.items())
    parts = [INTRODUCTION, "## General\n\n" + _table(single)]
    parts += [part for name, field in sections.items() for part in _section(name, field)]
    return "\n".join([*parts, SECRETS + secrets])


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    yield f"## {name}\n\n{field.description} {'Required.' if field.is_required() else 'Optional.'}\n"
    for model in outline.models(field.annotation):
        kind = outline.choice(model)
        if kind:
            yield f"### {name}, `kind: {kind}`\n\n{inspect.getdoc(model)}\n"
        keys = outline.keys(model, outline.prefix_in(name, field))
        # The row of the section lists the values of a nested `kind`.
        yield _table((key for key in keys if not key.path.endswith(".kind")), kind)


def _table(keys: Iterable[outline.Key], kind: str | None = None) -> str:
    """A Markdown table with one row for each key; a row names the key's `kind`, unless the heading does."""
    return HEAD + "".join(_row(key, key.choice if key.choice != kind else None) for key in keys)


def _row(key: outline.Key, choice: str | None) -> str:
    meaning = _cell(key.field.description or "")
    where = f", `kind: {choice}`" if choice else ""
    return f"| `{key.path}`{where} | {outline.words(key.field)} | {_default(key)} | {meaning} |\n"


def _default(key: outline.Key) -> str:
    """Defaults of a key: those that profiles set, and the field's own default for the other profiles."""
    said = [
        f"{profile} {_code(value)}"
        for preset in profiles.PRESETS
        if preset.path == key.path and preset.kind in (None, key.choice)
        for profile, value in preset.values.items()
    ]
    if len(said) == len(profiles.PROFILES):
        return "; ".join(said)
    value = outline.default(key.field)
    own = "none" if value is None else _code(value)
    if key.field.is_required():
        own = "required"
    elif outline.models(key.field.annotation) and value is not None:
        own = "below"
    return "; ".join([own, *said])


def _code(value: object) -> str:
    return f"`{json.dumps(value, default=str)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
