from __future__ import annotations

import base64
import string

import bcrypt
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from testbed.providers.protocol import ProviderError
from testbed.providers.random.kinds import KINDS, SPECIALS, complete, draw_string
from testbed.providers.random.provider import RandomProvider
from testbed.providers.values import UNKNOWN, Object, Secret, decode, encode, text

PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a type
STRING = "random:index/randomString:RandomString"
ID = "random:index/randomId:RandomId"
BYTES = "random:index/randomBytes:RandomBytes"
UUID = "random:index/randomUuid:RandomUuid"


def _urn(kind: str) -> str:
    return f"urn:pulumi:dev::project::{kind}::r"


@pytest.fixture
def provider() -> RandomProvider:
    return RandomProvider()


def _create(provider: RandomProvider, kind: str, inputs: Object, *, preview: bool = False) -> tuple[str, Object]:
    request = provider_pb2.CreateRequest(urn=_urn(kind), properties=encode(inputs), preview=preview)
    response = provider.create(request)
    return response.id, decode(response.properties)


def _failures(provider: RandomProvider, kind: str, inputs: Object) -> list[str]:
    response = provider.check(provider_pb2.CheckRequest(urn=_urn(kind), news=encode(inputs)))
    return [failure.property for failure in response.failures]


def _replaces(provider: RandomProvider, kind: str, old: Object, new: Object) -> list[str]:
    request = provider_pb2.DiffRequest(urn=_urn(kind), olds=encode(old), news=encode(new))
    response = provider.diff(request)
    assert not response.deleteBeforeReplace
    return list(response.replaces)


def test_a_password_and_its_hash_are_secret_and_the_id_does_not_reveal_them(provider: RandomProvider) -> None:
    resource_id, outputs = _create(provider, PASSWORD, {"length": 20})
    result, hashed = outputs["result"], outputs["bcryptHash"]
    assert resource_id == "none"
    assert isinstance(result, Secret)
    assert isinstance(hashed, Secret)
    assert bcrypt.checkpw(str(result.value).encode(), str(hashed.value).encode())


def test_defaults_appear_among_the_outputs(provider: RandomProvider) -> None:
    _, outputs = _create(provider, STRING, {"length": 5, "special": False})
    assert len(text(outputs, "result")) == 5
    assert {name: outputs[name] for name in ("special", "upper", "number", "numeric", "minLower")} == {
        "special": False,
        "upper": True,
        "number": True,
        "numeric": True,
        "minLower": 0,
    }


def test_a_string_has_the_minimum_of_each_class_and_no_other_characters() -> None:
    inputs: Object = {"length": 12, "upper": False, "minSpecial": 3, "minNumeric": 4, "overrideSpecial": "-_"}
    drawn = draw_string(complete(KINDS[STRING], inputs))
    assert len(drawn) == 12
    assert sum(character in "-_" for character in drawn) >= 3
    assert sum(character in string.digits for character in drawn) >= 4
    assert set(drawn) <= set("-_" + string.digits + string.ascii_lowercase)


def test_special_characters_are_the_providers_own() -> None:
    inputs: Object = {"length": 200, "upper": False, "lower": False, "numeric": False}
    assert set(draw_string(complete(KINDS[STRING], inputs))) <= set(SPECIALS)


def test_a_preview_knows_the_inputs_and_not_the_value(provider: RandomProvider) -> None:
    resource_id, outputs = _create(provider, PASSWORD, {"length": 20}, preview=True)
    assert resource_id == ""
    assert outputs["result"] == outputs["bcryptHash"] == UNKNOWN
    assert outputs["length"] == 20


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"length": 8}, {"length": 8}, []),
        ({"length": 8}, {"length": 9}, ["length"]),
        ({"length": 8}, {"length": 8, "special": True}, []),
        ({"length": 8}, {"length": 8, "special": False}, ["special"]),
        ({"length": 8}, {"length": 8, "keepers": {"a": "1"}}, ["keepers"]),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8, "keepers": {"a": "2"}}, ["keepers"]),
        ({"length": 8, "keepers": {"a": "1"}}, {"length": 8}, ["keepers"]),
        ({"length": 8}, {"length": 8, "overrideSpecial": "-"}, ["overrideSpecial"]),
        ({"length": 8}, {"length": 8, "overrideSpecial": ""}, []),
        ({"length": 8}, {"length": UNKNOWN}, ["length"]),
    ],
)
def test_every_changed_input_replaces_the_resource(
    provider: RandomProvider, old: Object, new: Object, replaces: list[str]
) -> None:
    state = {**complete(KINDS[STRING], old), "result": "x"}
    assert _replaces(provider, STRING, state, new) == replaces


@pytest.mark.parametrize(
    ("inputs", "property_name"),
    [
        ({}, "length"),
        ({"length": 0}, "length"),
        ({"length": 2, "minUpper": 3}, "length"),
        ({"length": 2, "upper": False, "lower": False, "numeric": False, "special": False}, ""),
    ],
)
def test_impossible_strings_are_refused(provider: RandomProvider, inputs: Object, property_name: str) -> None:
    assert _failures(provider, STRING, inputs) == [property_name]


def test_a_length_that_is_not_known_yet_is_not_refused(provider: RandomProvider) -> None:
    assert _failures(provider, STRING, {"length": UNKNOWN}) == []


def test_an_id_is_the_same_bytes_in_every_form_after_the_prefix(provider: RandomProvider) -> None:
    resource_id, outputs = _create(provider, ID, {"byteLength": 5, "prefix": "p-"})
    drawn = bytes.fromhex(text(outputs, "hex").removeprefix("p-"))
    assert len(drawn) == 5
    assert outputs["b64Std"] == "p-" + base64.b64encode(drawn).decode()
    assert outputs["b64Url"] == "p-" + resource_id
    assert outputs["dec"] == f"p-{int.from_bytes(drawn, 'big')}"


def test_bytes_are_secret_outputs_though_the_id_reveals_them(provider: RandomProvider) -> None:
    resource_id, outputs = _create(provider, BYTES, {"length": 4})
    assert outputs["base64"] == Secret(resource_id)
    assert isinstance(outputs["hex"], Secret)


def test_a_uuid_needs_nothing(provider: RandomProvider) -> None:
    resource_id, outputs = _create(provider, UUID, {})
    assert outputs["result"] == resource_id
    assert len(resource_id) == 36


def test_a_secret_keeper_stays_secret(provider: RandomProvider) -> None:
    _, outputs = _create(provider, STRING, {"length": 3, "keepers": {"a": Secret("1")}})
    assert isinstance(outputs["keepers"], Secret)


def _import(provider: RandomProvider, kind: str, import_id: str) -> tuple[str, Object, Object]:
    response = provider.read(provider_pb2.ReadRequest(id=import_id, urn=_urn(kind), properties=struct_pb2.Struct()))
    return response.id, decode(response.properties), decode(response.inputs)


def test_an_imported_password_is_the_text_with_its_length(provider: RandomProvider) -> None:
    resource_id, state, inputs = _import(provider, PASSWORD, "hunter2")
    assert resource_id == "none"
    assert state["result"] == Secret("hunter2")
    assert inputs == {"length": 7}
    assert _replaces(provider, PASSWORD, state, {"length": 7, "special": False}) == ["special"]


def test_an_imported_id_gives_back_every_form(provider: RandomProvider) -> None:
    created, outputs = _create(provider, ID, {"byteLength": 6, "prefix": "p"})
    resource_id, state, _ = _import(provider, ID, f"p,{created}")
    assert resource_id == created
    assert state == outputs


def test_an_invalid_import_id_is_named_in_the_error(provider: RandomProvider) -> None:
    with pytest.raises(ProviderError, match="cannot be imported as a"):
        _import(provider, BYTES, "not base64!")


def test_a_refresh_changes_nothing(provider: RandomProvider) -> None:
    state = encode({"result": "x", "length": 1})
    response = provider.read(provider_pb2.ReadRequest(id="x", urn=_urn(STRING), properties=state, inputs=state))
    assert response.properties == state


def test_an_unsupported_resource_type_is_named_in_the_error(provider: RandomProvider) -> None:
    with pytest.raises(ProviderError, match="RandomShuffle"):
        _failures(provider, "random:index/randomShuffle:RandomShuffle", {})
