"""The resource types of the random provider: their inputs, and the values they generate.

All values come from the operating system's random source, as in the real provider. Not supported: RandomPet,
RandomInteger, RandomShuffle, RandomUuid4 and RandomUuid7.
"""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import bcrypt

from testbed.providers.values import Json, Object, Secret, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SPECIALS: Final = "!@#$%&*()-_=+[]{}<>:?"
_BCRYPT_BYTES: Final = 72
_BCRYPT_ROUNDS: Final = 10
_CLASSES: Final = ("special", "upper", "lower", "numeric")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A generated value: the id, and the outputs that are not inputs."""

    resource_id: str
    outputs: Object


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomKind:
    """One resource type."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    defaults: Mapping[str, Json] = field(default_factory=dict[str, "Json"])
    computed: tuple[str, ...] = ()
    draw: Callable[[Object], Drawn]
    adopt: Callable[[str], tuple[Object, Drawn]]
    """Parse an import id; return the inputs that follow from it, and the value."""

    check: Callable[[Object], tuple[str, str] | None] = lambda _inputs: None
    """Return the name of an invalid property and the reason; None if all are valid."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all inputs."""
        return (*self.required, *self.optional, "keepers")


def complete(kind: RandomKind, inputs: Object) -> Object:
    """Return the inputs with defaults added, as they appear in the outputs."""
    filled: Object = {**kind.defaults, **inputs}
    if "numeric" in kind.defaults:
        filled["number"] = filled["numeric"]
    return filled


def _alphabets(inputs: Object) -> dict[str, str]:
    characters = {
        "special": text(inputs, "overrideSpecial") or SPECIALS,
        "upper": string.ascii_uppercase,
        "lower": string.ascii_lowercase,
        "numeric": string.digits,
    }
    return {name: characters[name] for name in _CLASSES if inputs.get(name, True) is not False}


def _minimum(inputs: Object, name: str) -> int:
    return whole(inputs, f"min{name.capitalize()}")


def check_string(inputs: Object) -> tuple[str, str] | None:
    """Return a failure if the length is below 1 or the sum of the classes' minimums, or if all classes are off."""
    length = whole(inputs, "length")
    needed = sum(_minimum(inputs, name) for name in _CLASSES)
    if length < 1 or length < needed:
        return "length", f"expected length to be at least ({max(1, needed)}), got {length}"
    if not _alphabets(inputs):
        return "", "at least one of special, upper, lower and numeric must be true"
    return None


def _check_size(name: str, inputs: Object) -> tuple[str, str] | None:
    size = whole(inputs, name)
    return None if size >= 1 else (name, f"expected {name} to be at least (1), got {size}")


def draw_string(inputs: Object) -> str:
    """Generate a string: the minimum number of characters of each class, the rest from all classes, shuffled."""
    alphabets = _alphabets(inputs)
    every = "".join(alphabets.values())
    drawn = [secrets.choice(alphabet) for name, alphabet in alphabets.items() for _ in range(_minimum(inputs, name))]
    drawn += [secrets.choice(every) for _ in range(whole(inputs, "length") - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _password(result: str) -> Drawn:
    hashed = bcrypt.hashpw(result.encode()[:_BCRYPT_BYTES], bcrypt.gensalt(_BCRYPT_ROUNDS))
    outputs: Object = {"result": Secret(result), "bcryptHash": Secret(hashed.decode("ascii"))}
    return Drawn("none", outputs)


def _plain(result: str) -> Drawn:
    return Drawn(result, {"result": result})


def _adopted_inputs(result: str) -> Object:
    return {"length": len(result)}


def _random_id(inputs: Object, drawn: bytes) -> Drawn:
    prefix = text(inputs, "prefix")
    url = base64.urlsafe_b64encode(drawn).decode("ascii").rstrip("=")
    outputs: Object = {
        "hex": prefix + drawn.hex(),
        "b64Std": prefix + base64.b64encode(drawn).decode("ascii"),
        "b64Url": prefix + url,
        "dec": prefix + str(int.from_bytes(drawn, "big")),
    }
    return Drawn(url, outputs)


def _adopt_id(import_id: str) -> tuple[Object, Drawn]:
    prefix, _, url = import_id.rpartition(",")
    drawn = base64.urlsafe_b64decode(url + "=" * (-len(url) % 4))
    inputs: Object = {"byteLength": len(drawn)}
    if prefix:
        inputs["prefix"] = prefix
    return inputs, _random_id(inputs, drawn)


def _random_bytes(drawn: bytes) -> Drawn:
    plain = base64.b64encode(drawn).decode("ascii")
    # As in the real provider, the id contains the bytes and is not secret.
    return Drawn(plain, {"base64": Secret(plain), "hex": Secret(drawn.hex())})


def _adopt_bytes(import_id: str) -> tuple[Object, Drawn]:
    drawn = base64.b64decode(import_id)
    return {"length": len(drawn)}, _random_bytes(drawn)


_STRING_OPTIONS: Final = ("special", "upper", "lower", "numeric", "number", "overrideSpecial")
_MINIMUMS: Final = ("minSpecial", "minUpper", "minLower", "minNumeric")
_STRING_DEFAULTS: Final[Mapping[str, Json]] = {
    **dict.fromkeys(_CLASSES, True),
    **dict.fromkeys(_MINIMUMS, 0),
}

KINDS: Final[Mapping[str, RandomKind]] = {
    "random:index/randomPassword:RandomPassword": RandomKind(
        required=("length",),
        optional=(*_STRING_OPTIONS, *_MINIMUMS),
        defaults=_STRING_DEFAULTS,
        computed=("result", "bcryptHash"),
        draw=lambda inputs: _password(draw_string(inputs)),
        adopt=lambda found: (_adopted_inputs(found), _password(found)),
        check=check_string,
    ),
    "random:index/randomString:RandomString": RandomKind(
        required=("length",),
        optional=(*_STRING_OPTIONS, *_MINIMUMS),
        defaults=_STRING_DEFAULTS,
        computed=("result",),
        draw=lambda inputs: _plain(draw_string(inputs)),
        adopt=lambda found: (_adopted_inputs(found), _plain(found)),
        check=check_string,
    ),
    "random:index/randomId:RandomId": RandomKind(
        required=("byteLength",),
        optional=("prefix",),
        computed=("hex", "b64Std", "b64Url", "dec"),
        check=lambda inputs: _check_size("byteLength", inputs),
        draw=lambda inputs: _random_id(inputs, secrets.token_bytes(whole(inputs, "byteLength"))),
        adopt=_adopt_id,
    ),
    "random:index/randomBytes:RandomBytes": RandomKind(
        required=("length",),
        computed=("base64", "hex"),
        check=lambda inputs: _check_size("length", inputs),
        draw=lambda inputs: _random_bytes(secrets.token_bytes(whole(inputs, "length"))),
        adopt=_adopt_bytes,
    ),
    "random:index/randomUuid:RandomUuid": RandomKind(
        computed=("result",),
        draw=lambda _inputs: _plain(str(uuid.uuid4())),
        adopt=lambda found: ({}, _plain(found)),
    ),
}
