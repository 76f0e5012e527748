from __future__ import annotations

from google.protobuf import struct_pb2

from testbed.providers.values import (
    UNKNOWN,
    Object,
    Secret,
    decode,
    encode,
    has_secret,
    has_unknown,
    plain_object,
    same,
)


def test_values_survive_the_way_to_the_engine_and_back() -> None:
    values: Object = {
        "text": "a",
        "whole": 3,
        "fraction": 0.5,
        "flag": True,
        "list": [1, {"nested": Secret("s")}],
        "later": UNKNOWN,
        "hidden": Secret({"password": "p"}),
    }
    assert decode(encode(values)) == values


def test_an_integral_number_is_an_integer() -> None:
    message = struct_pb2.Struct()
    message.update({"length": 3.0})
    decoded = decode(message)
    assert decoded == {"length": 3}
    assert isinstance(decoded["length"], int)


def test_null_entries_do_not_exist() -> None:
    message = struct_pb2.Struct()
    message.update({"gone": None, "kept": 1})
    assert decode(message) == {"kept": 1}
    assert dict(encode({"gone": None}).fields) == {}


def test_every_mark_of_an_unknown_value_is_one() -> None:
    for mark in (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ):
        message = struct_pb2.Struct()
        message.update({"later": mark})
        assert decode(message) == {"later": UNKNOWN}


def test_an_output_value_is_its_value_and_keeps_its_secrecy() -> None:
    message = struct_pb2.Struct()
    signature = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    message.update(
        {
            "known": {**signature, "value": "v", "secret": False},
            "hidden": {**signature, "value": "v", "secret": True},
            "later": signature,
        }
    )
    assert decode(message) == {"known": "v", "hidden": Secret("v"), "later": UNKNOWN}


def test_secrets_and_unknowns_are_found_wherever_they_are() -> None:
    assert has_secret({"a": [{"b": Secret(1)}]})
    assert has_unknown({"a": Secret([UNKNOWN])})
    assert not has_unknown({"a": Secret(1)})
    assert plain_object({"a": Secret({"b": Secret(1)})}) == {"a": {"b": 1}}


def test_true_is_not_one_and_a_whole_double_is_an_integer() -> None:
    assert same(1, 1.0)
    assert not same(1, value := True)
    assert same(value, value)
    assert same([{"a": 1}], [{"a": 1.0}])
    assert not same([1], [1, 2])
