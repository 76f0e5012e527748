"""States: what was found at AWS beside what only the state knows, and what of it is secret."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.providers.aws.inputs import DEFAULTS
from testbed.providers.aws.kinds import Kind
from testbed.providers.values import Json, Object, Secret, has_secret, mapping, same


def shown(inputs: Object) -> Object:
    """Return inputs without the provider's own notes."""
    return {key: value for key, value in inputs.items() if key != DEFAULTS}


def found_state(kind: Kind, found: Object, state: Object, default_tags: Mapping[str, str]) -> Object:
    """Return a new state: what was found, and what AWS (or moto) does not tell."""
    told = {*kind.inputs, *kind.computed} - {*kind.kept, *kind.secret}
    rest: Object = {key: value for key, value in state.items() if key not in told}
    tags: Object = {}
    if kind.tagged:
        every = mapping(found, "tagsAll")
        # A tag that the program and the provider give alike is the program's.
        own = mapping(state, "tags")
        tags = {
            "tagsAll": every,
            "tags": {key: value for key, value in every.items() if key in own or default_tags.get(key) != value},
        }
    # The same in other words, like a policy that AWS has formatted, is no change.
    words: Object = {key: state[key] for key in found if key in state and _means_the_same(kind, key, found, state)}
    return {**rest, **found, **tags, **words}


def _means_the_same(kind: Kind, name: str, found: Object, state: Object) -> bool:
    return name in kind.inputs - {"tags", "tagsAll"} and same(
        kind.normal(name, found[name]), kind.normal(name, state[name])
    )


def marked(kind: Kind, state: Object, inputs: Object) -> Object:
    """Return a state in which everything is secret that has to be."""
    return {
        key: _marked(value, secret=key in kind.secret or has_secret(inputs.get(key))) for key, value in state.items()
    }


def _marked(value: Json, *, secret: bool) -> Json:
    return Secret(value) if secret and not isinstance(value, Secret) else value
