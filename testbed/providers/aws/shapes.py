"""Names of nested values: Pulumi writes `daysAfterInitiation`, AWS `DaysAfterInitiation`."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.providers.values import Json, Object, parse_json


def to_aws(value: Object, special: Mapping[str, str]) -> dict[str, object]:
    """Return an object as AWS's interface takes it."""
    return {special.get(key, key[0].upper() + key[1:]): _to_aws(item, special) for key, item in value.items()}


def _to_aws(value: Json, special: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return to_aws(value, special)
    return [_to_aws(item, special) for item in value] if isinstance(value, list) else value


def to_pulumi(value: Mapping[str, object], special: Mapping[str, str]) -> Object:
    """Return an object of AWS's interface as Pulumi writes it."""
    back = {there: here for here, there in special.items()}
    found: Object = {}
    for key, item in value.items():
        found[back.get(key, key[0].lower() + key[1:])] = _to_pulumi(parse_json(item), special)
    return found


def _to_pulumi(value: Json, special: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return to_pulumi(value, special)
    return [_to_pulumi(item, special) for item in value] if isinstance(value, list) else value
