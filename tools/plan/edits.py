"""Edits of the stack file: the settings that a change adds, changes or removes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from settings import Settings, validate
from settings.faults import may_hold_password, path_of, sounds_secret
from settings.loader import Source
from settings.resolved import entries
from tools.access.words import Style
from tools.plan.differences import shown

NOTHING: tuple[object, ...] = (None, [], {})
# Of the earlier and the later stack file.
Pair = tuple[Mapping[Any, Any], Mapping[Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A setting that a change adds, changes or removes."""

    key: str
    before: str
    """Old value as text; empty if the setting is new, or its value is secret."""

    after: str
    """New value as text; empty if the setting is removed, or its value is secret."""

    is_default: bool = False
    """True if the default is now written in the file, or no longer written, so that nothing changes."""


def edits(stack: str, past: Source, now: Source) -> list[Edit]:
    """The edits between two stack files, in the order of their keys; a value that is not written is the default."""
    secret = past.encrypted | now.encrypted
    documents = [{key: value for key, value in one.document.items() if key not in secret} for one in (past, now)]
    defaults = [_defaults(stack, one) for one in (past, now)]
    found = list(_between((documents[0], documents[1]), (defaults[0], defaults[1]), ()))
    changed = [key for key in sorted(secret) if past.document.get(key) != now.document.get(key)]
    return [*found, *(Edit(key=key, before="", after="") for key in changed)]


def _defaults(stack: str, source: Source) -> dict[tuple[str, ...], Any]:
    """Values of settings that the file does not write, by their keys; empty if the file has mistakes."""
    settings = validate(source, stack).settings
    if settings is None:
        return {}
    found = {one.steps: one.value for one in entries(settings, source.document) if one.origin != "stack file"}
    # Teams of a server outside the stack have no groups.
    return found | (_groups(settings) if isinstance(settings, Settings) else {})


def _groups(settings: Settings) -> dict[tuple[str, ...], Any]:
    """The groups that have access to teams that name none, by their keys."""
    return {
        ("teams", team, "groups", role): list(groups)
        for team, own in settings.teams.items()
        if own.groups is None and not own.archived
        for role, groups in settings.team(team).groups.items()
        if groups
    }


def sentence(edit: Edit, style: Style) -> str:
    """An edit in words."""
    key, before, after = style.strong(style.name(edit.key)), style.name(edit.before), style.name(edit.after)
    if edit.before and edit.after:
        return f"{key}: {before} → {after}"
    if edit.is_default:
        how = "now written out" if edit.after else "no longer written out"
        return f"{key}: {after or before} is {how}; it is the default, so this changes nothing"
    if edit.before or edit.after:
        return f"{key}: {after} is new" if edit.after else f"{key}: {before} is removed from the file"
    return f"{key}: changes (secret)"


def _between(documents: Pair, defaults: Pair, above: tuple[str, ...]) -> Iterator[Edit]:
    before, after = documents
    for key in sorted({*before, *after}):
        steps = (*above, key)
        values = before.get(key), after.get(key)
        nested = all(value is None or isinstance(value, Mapping) for value in values)
        known = all(value is not None or _has(default, steps) for value, default in zip(values, defaults, strict=True))
        if nested and known:
            yield from _between((values[0] or {}, values[1] or {}), defaults, steps)
        elif values[0] != values[1]:
            words = [_word(key, value, default.get(steps)) for value, default in zip(values, defaults, strict=True)]
            effective = [
                default.get(steps) if value is None else value for value, default in zip(values, defaults, strict=True)
            ]
            if is_default := None in values and effective[0] == effective[1]:
                words = ["" if value is None else word for value, word in zip(values, words, strict=True)]
            yield Edit(key=path_of(steps), before=words[0], after=words[1], is_default=is_default)


def _has(defaults: Mapping[Any, Any], steps: tuple[str, ...]) -> bool:
    """True if the settings have the key, or one below it, whose value the file does not write."""
    return any(path[: len(steps)] == steps for path in defaults)


def _word(key: str, value: Any, default: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None:
        return "" if default in NOTHING else f"{_word(key, default, None)} (default)"
    # Only a text, such as a certificate, may be cut off.
    return shown(_masked(key, value), whole=not isinstance(value, str))


def _masked(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value without texts that somebody may have written in plain text although they are secret."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {path_of((name,)): _masked(name, inner) for name, inner in items}
    if isinstance(value, list):
        return [_masked(key, inner) for inner in cast("list[Any]", value)]
    if isinstance(value, str) and (sounds_secret(key) or may_hold_password(value)):
        return "secret"
    return value
