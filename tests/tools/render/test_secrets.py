import base64
import json

import pytest

from settings import validate
from tests.tools.render.parts import rendered
from tools.render import secrets
from tools.render.objects import Item
from tools.render.protocol import SECRET_SIGNATURE, SIGNATURE
from tools.render.secrets import MissingError, beforehand, outputs, refuse_deployed
from tools.render.values import StandIns, Stored
from tools.stack_file import read

PREFIX = "urn:pulumi:dev::mlflow-platform::"


def resource(kind: str, name: str, **given: object) -> dict[str, object]:
    return {"type": kind, "urn": f"{PREFIX}{kind}::{name}", "id": "none", "outputs": given}


def hidden(value: str) -> dict[str, str]:
    return {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(value)}


def stored(*, without: str = "") -> Stored:
    """A state in which each random value is the resource's name."""
    names = (
        "login-cookie",
        "mlflow-webhook-key",
        "database-server-password",
        "database-user-password",
        "rds-snapshot",
    )
    values = {name: {"result": name} for name in names if name != without}
    return Stored(outputs=values, secrets={"loginClientSecret": "from-the-company"}, aws=StandIns(draw="aws"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the objects, from a rendering that was made before."""
    monkeypatch.setattr(secrets, "render", lambda _source, stack, *_: rendered(stack))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] - of any stack


def made(state: Stored) -> list[Item]:
    source = read("prod")
    return beforehand(source, "prod", validate(source, "prod").needed_secrets, state)


def test_generated_values_come_from_the_state_and_configured_ones_from_the_configuration() -> None:
    items = made(stored())
    assert [item.kind for item in items] == ["Namespace"] * 3 + ["Secret"] * 4
    (login,) = [item.manifest for item in items if item.resource == "login-secret"]
    values = {key: base64.b64decode(text).decode() for key, text in login["data"].items()}
    assert values == {"client-secret": "from-the-company", "cookie-secret": "login-cookie"}
    assert "annotations" not in login["metadata"]
    expected = {item.identity for item in rendered("prod").beforehand}
    assert {item.identity for item in items if item.kind == "Secret"} == expected


def test_a_value_that_the_state_does_not_have_is_named() -> None:
    with pytest.raises(MissingError, match="no login-cookie"):
        made(stored(without="login-cookie"))


def test_secrets_of_a_state_are_read_and_objects_are_not() -> None:
    exported = {
        "resources": [
            resource("random:index/randomPassword:RandomPassword", "cookie", result=hidden("c"), length=1),
            resource("kubernetes:core/v1:Secret", "login", data=hidden("d")),
        ]
    }
    assert outputs(exported) == {"cookie": {"id": "none", "result": "c", "length": 1}}


def test_a_stack_that_pulumi_has_deployed_is_refused() -> None:
    refuse_deployed({}, "dev")
    refuse_deployed({"resources": [resource("random:index/randomPassword:RandomPassword", "cookie")]}, "dev")
    with pytest.raises(SystemExit, match="`make up` manages 1 objects of the stack dev"):
        refuse_deployed({"resources": [resource("kubernetes:core/v1:Secret", "login")]}, "dev")


def test_a_stored_secret_is_not_shown() -> None:
    assert "from-the-company" not in repr(stored())
    assert "login-cookie" not in repr(stored())
