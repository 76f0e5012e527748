"""Check: adds name, defaults and tags to the inputs, and reports invalid inputs without a call to AWS."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Final

from testbed.providers.aws.kinds import Failure, Kind
from testbed.providers.values import UNKNOWN, Json, Object, Secret, has_unknown, mapping, plain_object, strings

DEFAULTS: Final = "__defaults"
"""Property that lists the inputs whose values the provider chose; the real provider has it in its state too."""

_SUFFIX: Final = 7


def completed(
    kind: Kind, logical: str, news: Object, olds: Object, *, default_tags: Mapping[str, str], seed: bytes
) -> Object:
    """Return the inputs with the generated name, the defaults and all tags added."""
    found: Object = {key: value for key, value in news.items() if key != DEFAULTS}
    chosen: list[Json] = []
    if kind.name and kind.name.property not in found:
        name = kind.name.property
        kept = olds.get(name) if name in strings(olds, DEFAULTS) else None
        found[name] = kept if kept is not None else _drawn(kind, logical, seed)
        chosen.append(name)
    for name, value in kind.defaults.items():
        if name not in found:
            found[name] = value
            chosen.append(name)
    if kind.tagged:
        found["tagsAll"] = merged_tags(default_tags, found.get("tags"))
    found[DEFAULTS] = chosen
    return found


def merged_tags(default: Mapping[str, str], tags: Json) -> Json:
    """Merge a resource's tags over the provider's default tags; unknown if one of the resource's tags is unknown."""
    if has_unknown(tags):
        return UNKNOWN
    own = mapping(tags.value if isinstance(tags, Secret) else tags)
    return {**default, **own} or None


def _drawn(kind: Kind, logical: str, seed: bytes) -> str:
    assert kind.name is not None  # noqa: S101 - checked by the caller
    # The engine sends the same seed for preview and `up` of a saved plan, so that the name is the same.
    drawn = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(_SUFFIX)
    name = f"{kind.name.prefix}{logical}{kind.name.separator}{drawn[:_SUFFIX]}"
    return name.lower() if kind.name.lower else name


def failures(kind: Kind, marked: Object) -> list[Failure]:
    """Return the inputs' failures; `kind.check` runs only if all inputs are known and nothing else has failed."""
    inputs = plain_object(marked)
    found = [(name, f"Missing required argument: {name}") for name in kind.required if inputs.get(name) is None]
    known = {*kind.inputs, DEFAULTS, "region"} if kind.regional else {*kind.inputs, DEFAULTS}
    # The published provider has more inputs. Here each has to be implemented before a test may rely on it.
    found += [
        (name, f"the AWS provider stand-in does not support the input {name} of {kind.label}")
        for name in sorted(inputs.keys() - known)
    ]
    if kind.name:
        name = inputs.get(kind.name.property)
        if isinstance(name, str) and len(name) > kind.name.longest:
            found.append((kind.name.property, f"{name!r} is longer than {kind.name.longest} characters"))
    if not found and not has_unknown(inputs):
        found += kind.check(inputs)
    return found
