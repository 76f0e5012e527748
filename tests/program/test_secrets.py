from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
import pytest

from tests.cloud import CANARY
from tests.harness import Recording, deploy, leaves
from tests.program.stacks import SECRETS, STACKS, recorded, secret_value
from tests.program.taint import leaks


@pytest.mark.parametrize("stack", STACKS)
def test_no_secret_leaves_a_secret(stack: str) -> None:
    assert leaks(recorded(stack)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_there_are_secrets_to_be_leaked(stack: str) -> None:
    in_secrets = {value for resource in recorded(stack).of("Secret") for value in resource.secrets.values()}
    assert any(CANARY in value for value in in_secrets)
    assert {secret_value(name) for name in SECRETS[stack]} <= in_secrets


def test_every_generated_password_is_put_to_use() -> None:
    got = recorded("dev")
    used = "".join(value for resource in got.of("Secret") for value in resource.secrets.values())
    shown = "".join(text for _, text, secret in leaves(got.outputs[""]) if secret)
    passwords = {resource.name for resource in got.of("RandomPassword")}
    waited_for = {name for resource in got.of("Secret") for name in resource.dependencies}
    assert CANARY in used
    assert CANARY in shown
    assert passwords <= waited_for


@pytest.mark.parametrize("stack", STACKS)
def test_of_the_outputs_only_the_development_passwords_are_secret(stack: str) -> None:
    secret = {path.partition(".")[0] for path, _, is_secret in leaves(recorded(stack).outputs[""]) if is_secret}
    assert secret == ({"passwords"} if stack == "dev" else set())


def leaking(put: str) -> Recording:
    """A program that leaks a password in one of several ways."""

    def program() -> dict[str, Any]:
        password = random.RandomPassword("made", length=20).result
        match put:
            case "marked":
                k8s.core.v1.ConfigMap("wrong", data={"text": password})
            case "plain":
                k8s.core.v1.ConfigMap("wrong", data={"text": pulumi.Output.unsecret(password)})
            case "embedded":
                text = pulumi.Output.unsecret(pulumi.Output.concat("postgresql://mlflow:", password, "@postgres"))
                k8s.core.v1.ConfigMap("wrong", data={"text": text})
            case "id":
                random.RandomBytes("wrong", length=32)
            case "output":
                return {"wrong": pulumi.Output.unsecret(password)}
            case _:
                return {"right": password}
        return {}

    return deploy(program)


@pytest.mark.parametrize(
    ("put", "place"),
    [
        ("marked", "wrong: data.text is a secret"),
        ("plain", "wrong: data.text shows a secret"),
        ("embedded", "wrong: data.text shows a secret"),
        ("id", "wrong: its id shows a secret"),
        ("output", "output wrong of the stack shows a secret"),
    ],
)
def test_a_leak_is_found_wherever_it_is(put: str, place: str) -> None:
    sentences = leaks(leaking(put))
    assert [sentence for sentence in sentences if sentence.startswith(place)], sentences


def test_a_secret_output_is_no_leak() -> None:
    assert leaks(leaking("nowhere")) == []
