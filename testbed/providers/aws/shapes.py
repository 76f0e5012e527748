"""Conversion of nested values between Pulumi's names (`daysAfterInitiation`) and AWS's (`DaysAfterInitiation`)."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.providers.values import Json, Object, parse_json


def to_aws(value: Object, special: Mapping[str, str]) -> dict[str, object]:
    """Convert an object to AWS's names; `special` maps names that differ in more than the first letter's case."""
    return {special.get(key, key[0].upper() + key[1:]): _to_aws(item, special) for key, item in value.items()}


def _to_aws(value: Json, special: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return to_aws(value, special)
    return [_to_aws(item, special) for item in value] if isinstance(value, list) else value


def to_pulumi(value: Mapping[str, object], special: Mapping[str, str]) -> Object:
    """Convert an object from AWS's names to Pulumi's; `special` is the same mapping as for `to_aws`."""
    back = {there: here for here, there in special.items()}
    found: Object = {}
    for key, item in value.items():
        found[back.get(key, key[0].lower() + key[1:])] = _to_pulumi(parse_json(item), special)
    return found


def _to_pulumi(value: Json, special: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return to_pulumi(value, special)
    return [_to_pulumi(item, special) for item in value] if isinstance(value, list) else value
