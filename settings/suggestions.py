"""Remedies for unknown keys: a similar key, the section that a key belongs to, or the command for a secret."""

import difflib
from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from settings import outline
from settings.faults import path_of, sounds_secret
from settings.modes import KINDS
from settings.outline import Place
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings
from settings.secrets import NEEDS, Need, command

# Problem of a secret among the settings.
MISPLACED = "must not contain a secret"


def unknown(place: Place, model: type[BaseModel], stack: str) -> tuple[str, str]:
    """Problem and remedy for an unknown key. Its value is not shown, because it may be a secret."""
    *above, key = (str(step) for step in place.steps)
    kinds = _kinds_of_the_other_mode(place, model)
    if kinds and model is ExternalSettings:
        return f"has no meaning with server.kind {outline.one_of(KINDS)}: no server is deployed", "remove it"
    if above and sounds_secret(key):
        return MISPLACED, _secret_place(place, f"{above[0]}{key}", stack)
    if kinds:
        return "is not a setting", f"the key belongs to server.kind {outline.one_of(kinds)}"
    known = sorted({name for parent in place.parents for name in outline.fields(parent)} | set(() if above else NEEDS))
    similar = [f"did you mean `{near}`?" for near in outline.nearest(key, known)]
    hints = [*similar, *_other_places(key, path_of(place.steps[:-1]), model)]
    return "is not a setting", " ".join(hints) or f"remove it, or use one of {', '.join(known)}"


def _kinds_of_the_other_mode(place: Place, model: type[BaseModel]) -> list[str]:
    """The values of `server.kind` with which the key would be a setting; empty if the other mode lacks the key too."""
    other = Settings if model is ExternalSettings else ExternalSettings
    found = [known.choice for known in outline.keys(other) if _stands_for(known.path.split("."), place.steps)]
    if not found or other is Settings:
        return ["platform"] if found else []
    return [kind for kind in KINDS if place.steps[0] != "server" or kind in found]


def _stands_for(pattern: Sequence[str], steps: Sequence[str | int]) -> bool:
    """True if the path of a key is the pattern, in which `*` is any name."""
    return len(pattern) == len(steps) and all(one in ("*", step) for one, step in zip(pattern, steps, strict=True))


def _secret_place(place: Place, name: str, stack: str) -> str:
    """Remedy for an unknown key that seems to hold a secret."""
    kinds = [outline.choice(parent) for parent in place.parents]
    here = ".".join(str(step) for step in place.steps[:-1])
    secrets = [
        secret
        for secret, need in NEEDS.items()
        if isinstance(need, Need)
        and f"{need.credentials}.".startswith(f"{here}.")
        and (need.kind in kinds or need.section != here)
    ]
    if place.steps[:2] == ("login", "users"):
        return "remove it: `up` generates the passwords, and `make passwords` prints them"
    if not secrets:
        return "remove it, and replace the secret, which was in plain text"
    (nearest,) = difflib.get_close_matches(name, secrets, n=1, cutoff=0)
    return f"remove it, replace the secret, and run {command(nearest, stack)}"


def _other_places(key: str, section: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield remedies that name the sections in which the key would be a setting."""
    parent = key.partition(".")[0]
    if not section and parent != key and parent in outline.fields(model):
        yield f"write it below `{parent}:`, or run `pulumi config set --path {key}`"
    homes: dict[str, list[str]] = {}
    for known in outline.keys(model):
        home, _, name = known.path.rpartition(".")
        if name == key:
            homes.setdefault(home, []).append(known.choice or "")
    if section in homes:
        yield f"the key belongs to {section}.kind {outline.one_of(homes[section])}"
    elif homes:
        yield f"the key belongs to {outline.one_of(homes)}"
