"""Text of docs/configuration.md, which `make generate` writes from the settings model."""

import inspect
import json
from collections.abc import Iterable, Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings import external_page, outline, profiles
from settings.page_examples import GROUPS, Group, example
from settings.renames import Renamed
from settings.schema.bucket import BucketArtifacts
from settings.schema.external import ExternalSettings
from settings.schema.rds import RdsDatabase
from settings.schema.stack import Settings
from settings.secrets import NEEDS, PROJECT

INTRODUCTION = f"""# Configuration

A stack is configured in `Pulumi.<stack>.yaml`. All keys below are in its section `config:`, with the prefix
`{PROJECT}:`, for example `{PROJECT}:host: mlflow.example.com`; single keys of a section can also be set with
`pulumi config set --path server.replicas 2`. `*` stands for a name that you choose, `[*]` for an entry of a list.
`Pulumi.dev.yaml` and `Pulumi.prod.yaml` are complete examples.

The profile sets some of the defaults. `make configuration` prints all values of a stack and their origin
([sizing.md](sizing.md)).

`pulumi preview` reports all mistakes in the file together: the key, the expected value, and a remedy. `make
configuration` reports them without a cluster, with their lines. Editors that have the YAML language server check and
complete the file by [pulumi-stack.schema.json](pulumi-stack.schema.json), which its first line names.

<!-- Written by `make generate`; do not edit. -->
"""
# Sections that are required with certain values of other sections.
CONDITIONS = {
    "aws": f"Required with database.kind `{outline.choice(RdsDatabase)}` or artifacts.kind"
    f" `{outline.choice(BucketArtifacts)}`, and not allowed otherwise."
}
SECRETS = """## Secrets

Set them with `pulumi config set --secret <key>`, which prompts for the value. A secret in plain text is an error.

| Key | Needed by | Meaning |
|---|---|---|
"""
HEAD = "| Key | Expected | Default | Meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The text of docs/configuration.md."""
    secrets = "".join(f"| `{name}` | {need.condition} | {need.meaning} |\n" for name, need in NEEDS.items())
    return "\n".join(
        [
            INTRODUCTION,
            _contents(),
            *(part for group in GROUPS for part in _group(group)),
            *_external(),
            SECRETS + secrets,
        ]
    )


def _contents() -> str:
    def line(title: str, keys: Iterable[str]) -> str:
        return f"- [{title}](#{title.lower().replace(' ', '-')}): {', '.join(f'`{key}`' for key in keys)}\n"

    own = "".join(line(group.title, group.sections or _single()) for group in GROUPS)
    return own + line(external_page.TITLE, outline.fields(ExternalSettings)) + line("Secrets", NEEDS)


def _single() -> list[str]:
    """Top-level keys that are not sections."""
    return [name for name, field in outline.fields(Settings).items() if not outline.models(field.annotation)]


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n\n```yaml\n{example(group)}```\n"
    fields = outline.fields(Settings)
    if not group.sections:
        yield _table(outline.Key(name, None, fields[name]) for name in _single())
    for name in group.sections:
        yield from _section(name, fields[name])


def _external() -> Iterator[str]:
    yield external_page.INTRODUCTION
    for name, field in outline.fields(ExternalSettings).items():
        if outline.models(field.annotation):
            yield from _section(name, field)


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    yield f"### {name}\n\n{field.description} {_need(name, field)}\n"
    for model in outline.models(field.annotation):
        kind = outline.choice(model)
        if kind:
            yield f"#### {name}, `kind: {kind}`\n\n{inspect.getdoc(model)}\n"
        keys = outline.keys(model, outline.prefix_in(name, field))
        # The row of the section lists the values of a nested `kind`.
        yield _table((key for key in keys if not key.path.endswith(".kind")), kind)


def _need(name: str, field: FieldInfo) -> str:
    """Sentence that says whether a section is required, and the default `kind` of an optional one."""
    if field.is_required():
        return "Required."
    kind = _kind(outline.default(field))
    return CONDITIONS.get(name, f"Optional; the default is `kind: {kind}`." if kind else "Optional.")


def _kind(value: object) -> str | None:
    """The `kind` of a value that is a section with a `kind`; None for any other value."""
    return outline.choice(type(value)) if isinstance(value, BaseModel) else None


def _table(keys: Iterable[outline.Key], kind: str | None = None) -> str:
    """A Markdown table with one row for each key; a row names the key's `kind`, unless the heading does."""
    return HEAD + "".join(_row(key, key.choice if key.choice != kind else None) for key in keys)


def _row(key: outline.Key, choice: str | None) -> str:
    old = [item for item in key.field.metadata if isinstance(item, Renamed)]
    former = "".join(f" Old name: `{renamed.old}`, which release {renamed.removed_in} removes." for renamed in old)
    meaning = _cell((key.field.description or "") + former)
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
    # Lists that must not be empty can only be left out.
    absent = value == () and any(getattr(one, "min_length", 0) for one in key.field.metadata)
    own = "none" if value is None or absent else _code(value)
    # A profile that sets a key in an absent section sets the section.
    inside = [one for one in profiles.PRESETS if value is None and one.path.startswith(f"{key.path}.")]
    said += [f"{profile} below" for one in inside for profile in one.values]
    if key.field.is_required():
        own = "required"
    elif kind := _kind(value):
        own = f"`kind: {kind}`"
    elif outline.models(key.field.annotation) and value not in (None, ()):
        own = "below"
    return "; ".join([own, *said])


def _code(value: object) -> str:
    return f"`{json.dumps(value, default=str)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
