"""What is saved of an object: the live object, the inputs that made it, and which parts are secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.providers.kubernetes.kinds import kind_of
from testbed.providers.values import Json, Object, Secret, has_secret, mapping, plain_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

INPUTS: Final = "__inputs"
FIELD_MANAGER: Final = "__fieldManager"
INITIAL_API_VERSION: Final = "__initialApiVersion"
_OWN: Final = (INPUTS, FIELD_MANAGER, INITIAL_API_VERSION)


def with_secrets(values: Object, marked: Mapping[str, Json]) -> Object:
    """Return the values with everything secret that is secret at the same place in `marked`.

    Inside a list the whole list becomes secret. Of an object of kind Secret it is always the
    data, and nothing else.
    """
    if values.get("kind") == "Secret":
        return {key: _secret(value) if key in {"data", "stringData"} else value for key, value in values.items()}
    result: Object = {}
    for key, value in values.items():
        model = marked.get(key)
        if isinstance(value, dict) and isinstance(model, dict):
            result[key] = with_secrets(value, model)
        else:
            result[key] = _secret(value) if has_secret(model) else value
    return result


def _secret(value: Json) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def checkpoint(
    inputs: Object,
    live: Object,
    marked: Mapping[str, Json],
    *,
    initial_api_version: str,
    field_manager: str,
) -> Object:
    """Return the state of a resource."""
    state = with_secrets(live, marked)
    return {
        **state,
        INPUTS: with_secrets(inputs, marked),
        INITIAL_API_VERSION: initial_api_version,
        FIELD_MANAGER: field_manager,
    }


def parse(state: Object) -> tuple[Object, Object]:
    """Return the inputs and the live object of a state, without secret marks."""
    values = plain_object(state)
    live: Object = {key: value for key, value in values.items() if key not in _OWN}
    return dict(mapping(values, INPUTS)), live


def initial_api_version(state: Object, inputs: Object) -> str:
    """Return the version with which the object was made."""
    return text(state, INITIAL_API_VERSION) or kind_of(inputs).api_version
