"""What somebody may have meant by a key that is no setting."""

import difflib
from collections.abc import Iterator

from pydantic import BaseModel

from stackfile import outline
from stackfile.faults import path_of, sounds_secret
from stackfile.outline import Place
from stackfile.secrets import NEEDS, command

# How alike two keys have to be for one to be offered instead of the other.
ALIKE = 0.7


def unknown(place: Place, model: type[BaseModel], stack: str) -> tuple[str, str]:
    """Problem and remedy. The key's value is not shown: it may be a misplaced secret."""
    *above, key = (str(step) for step in place.steps)
    if above and sounds_secret(key):
        return "is no place for a secret", _secret_place(place, f"{above[0]}{key}", stack)
    known = sorted({name for parent in place.parents for name in outline.fields(parent)} | set(() if above else NEEDS))
    similar = [f"did you mean `{near}`?" for near in difflib.get_close_matches(key, known, n=1, cutoff=ALIKE)]
    hints = [*similar, *_other_places(key, path_of(place.steps[:-1]), model)]
    return "is not a setting", " ".join(hints) or f"remove it, or use one of {', '.join(known)}"


def _secret_place(place: Place, name: str, stack: str) -> str:
    """Where a secret belongs that stands among the settings."""
    kinds = [outline.choice(parent) for parent in place.parents]
    here = ".".join(str(step) for step in place.steps[:-1])
    secrets = [
        secret
        for secret, need in NEEDS.items()
        if f"{need.credentials}.".startswith(f"{here}.") and (need.kind in kinds or need.section != here)
    ]
    if place.steps[:2] == ("login", "users"):
        return "remove it: `up` makes passwords, see `pulumi stack output developmentUsers --show-secrets`"
    if not secrets:
        return "remove it, and change the secret where it is used"
    (nearest,) = difflib.get_close_matches(name, secrets, n=1, cutoff=0)
    return f"remove it, change the secret where it is used, and run {command(nearest, stack)}"


def _other_places(key: str, section: str, model: type[BaseModel]) -> Iterator[str]:
    """Where else in the file the key would be right."""
    parent = key.partition(".")[0]
    if not section and parent != key and parent in outline.fields(model):
        yield f"write it below `{parent}:`, or run `pulumi config set --path {key}`"
    homes: dict[str, list[str]] = {}
    for known in outline.keys(model):
        home, _, name = known.path.rpartition(".")
        if name == key:
            homes.setdefault(home, []).append(known.choice or "")
    if section in homes:
        yield f"it belongs to {section}.kind {outline.one_of(homes[section])}"
    elif homes:
        yield f"it belongs to {outline.one_of(homes)}"
