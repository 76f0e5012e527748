"""Resource states: properties read from AWS, merged with those that exist only in the state; secrets are marked."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.providers.aws.inputs import DEFAULTS
from testbed.providers.aws.kinds import Kind
from testbed.providers.values import Json, Object, Secret, has_secret, mapping, same


def shown(inputs: Object) -> Object:
    """Return the inputs without the provider's internal property `__defaults`."""
    return {key: value for key, value in inputs.items() if key != DEFAULTS}


def found_state(kind: Kind, found: Object, state: Object, default_tags: Mapping[str, str]) -> Object:
    """Merge the properties read from AWS into a state."""
    told = {*kind.inputs, *kind.computed} - {*kind.kept, *kind.secret}
    rest: Object = {key: value for key, value in state.items() if key not in told}
    tags: Object = {}
    if kind.tagged:
        every = mapping(found, "tagsAll")
        # A tag that is set both by the program and by the provider's default tags counts as the program's.
        own = mapping(state, "tags")
        tags = {
            "tagsAll": every,
            "tags": {key: value for key, value in every.items() if key in own or default_tags.get(key) != value},
        }
    # An equivalent value, such as a policy that AWS has formatted, is no change.
    unchanged: Object = {key: state[key] for key in found if key in state and _equivalent(kind, key, found, state)}
    return {**rest, **found, **tags, **unchanged}


def _equivalent(kind: Kind, name: str, found: Object, state: Object) -> bool:
    return name in kind.inputs - {"tags", "tagsAll"} and same(
        kind.normal(name, found[name]), kind.normal(name, state[name])
    )


def marked(kind: Kind, state: Object, inputs: Object) -> Object:
    """Mark as secret the properties that the resource type declares secret, and those whose input is secret."""
    return {
        key: _marked(value, secret=key in kind.secret or has_secret(inputs.get(key))) for key, value in state.items()
    }


def _marked(value: Json, *, secret: bool) -> Json:
    return Secret(value) if secret and not isinstance(value, Secret) else value
