from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
import pytest

from tests.cloud import CANARY, autoname
from tests.harness import deploy


def test_an_assertion_in_an_apply_fails_the_run() -> None:
    def wrong(_: str) -> None:
        raise AssertionError("seen")

    with pytest.raises(AssertionError, match="seen"):
        deploy(lambda: {"x": pulumi.Output.from_input("x").apply(wrong)})


def test_a_lookup_fails_the_run() -> None:
    with pytest.raises(Exception, match="the program invoked some:module:lookup"):
        deploy(lambda: {"x": pulumi.runtime.invoke_output("some:module:lookup", {})})


def test_a_provider_that_no_test_knows_fails_the_run() -> None:
    class Bucket(pulumi.CustomResource):
        pass

    def program() -> None:
        Bucket("gcp:storage/bucket:Bucket", "logs")

    with pytest.raises(Exception, match="logs: unknown provider gcp"):
        deploy(program)


def test_an_error_of_the_program_is_the_runs() -> None:
    def program() -> None:
        raise pulumi.RunError("3 mistakes")

    with pytest.raises(pulumi.RunError, match="3 mistakes"):
        deploy(program)


def a_little_of_everything() -> dict[str, Any]:
    class Part(pulumi.ComponentResource):
        def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
            super().__init__("mlflow-platform:index:Part", name, None, opts)
            child = pulumi.ResourceOptions(parent=self)
            password = random.RandomPassword(f"{name}-password", length=24, opts=child)
            secret = k8s.core.v1.Secret(f"{name}-secret", string_data={"password": password.result}, opts=child)
            k8s.core.v1.ConfigMap(
                f"{name}-text",
                metadata={"namespace": "blue"},
                data={"reference": secret.metadata.name},
                opts=pulumi.ResourceOptions(
                    parent=self, retain_on_delete=True, aliases=[pulumi.Alias(name="before")], depends_on=[password]
                ),
            )
            self.password = password.result
            self.register_outputs({"password": password.result})

    providers: list[pulumi.ProviderResource] = [k8s.Provider("cluster"), random.Provider("dice")]
    part = Part("part", pulumi.ResourceOptions(providers=providers, protect=True))
    config = pulumi.Config("mlflow-platform")
    return {
        "password": part.password,
        "host": config.require("host"),
        "token": config.require_secret("token"),
        "stack": pulumi.get_stack(),
    }


CONFIG = {"mlflow-platform:host": "mlflow.example.com"}
SECRETS = {"mlflow-platform:token": "hunter2"}


def test_options_inputs_and_outputs_are_recorded() -> None:
    got = deploy(a_little_of_everything, stack="blue", config=CONFIG, secrets=SECRETS)
    text = got["part-text"]
    assert text.urn == (
        "urn:pulumi:blue::mlflow-platform::mlflow-platform:index:Part$kubernetes:core/v1:ConfigMap::part-text"
    )
    assert (text.kind, text.parent, text.provider) == ("ConfigMap", "part", "cluster")
    assert (text.protect, text.retain, text.aliases) == (True, True, ("before",))
    assert text.dependencies == {"part-secret", "part-password"}
    assert text.inputs["data"] == {"reference": autoname("part-secret")}
    assert got["part-password"].provider == "dice"
    assert (got["part"].custom, got["part"].parent, text.custom) == (False, "", True)
    assert got.exports["host"] == "mlflow.example.com"
    assert got.exports["stack"] == "blue"


def test_a_secret_is_marked_at_its_leaf_and_nowhere_else() -> None:
    got = deploy(a_little_of_everything, config=CONFIG, secrets=SECRETS)
    (password,) = got["part-secret"].secrets.values()
    assert password.startswith(CANARY)
    assert len(password) == 24
    assert got["part-secret"].secrets.keys() == {"stringData.password"}
    assert got["part-text"].secrets == {}
    assert got.exports["password"] == password
    assert got.secret_values >= {password, "hunter2"}
    assert password not in str({**got.outputs[""], "password": None})


def test_what_a_provider_computes_is_unknown_in_a_preview() -> None:
    got = deploy(a_little_of_everything, config=CONFIG, secrets=SECRETS, preview=True)
    assert CANARY not in str(got)
    assert got["part-text"].inputs["data"] == {"reference": autoname("part-secret")}


def test_what_a_test_does_to_inputs_stays_with_it() -> None:
    got = deploy(a_little_of_everything, config=CONFIG, secrets=SECRETS)
    got["part-text"].inputs["data"]["reference"] = "changed"
    assert got["part-text"].inputs["data"] == {"reference": autoname("part-secret")}


def test_one_run_knows_nothing_of_another() -> None:
    deploy(a_little_of_everything, stack="blue", config=CONFIG, secrets=SECRETS)
    with pytest.raises(Exception, match="host"):
        deploy(a_little_of_everything, stack="green")


def test_a_name_that_is_not_there_is_an_error_that_tells_which_are() -> None:
    got = deploy(a_little_of_everything, config=CONFIG, secrets=SECRETS)
    with pytest.raises(KeyError, match="0 resources are called nothing, expected one; there are cluster, dice, part"):
        got["nothing"]
