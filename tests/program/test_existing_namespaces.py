"""Namespaces that exist already and become a team's: each says whose it is, and no two platforms share an owner."""

import re
from typing import Any

import pytest

from factories.ownership import in_words, owner
from settings.types import names
from tests.harness import Recording
from tests.program.stacks import run_document
from tests.program.test_cluster_fits import WITHOUT_A_SERVER, document
from tests.settings.stack_files import validated

LABEL, MANAGER = "mlflow-platform/owner", "pulumi.com/patchFieldManager"


def taken_over(file: str, stack: str = "dev", **changes: object) -> Recording:
    """Recording of a stack whose teams' namespaces exist already."""
    settings: dict[str, Any] = {**document(file), **changes}
    settings["teams"] = {name: {**(team or {}), "createNamespace": False} for name, team in settings["teams"].items()}
    return run_document(settings, stack=stack, secrets=[*validated(settings).needed_secrets])


def owners(got: Recording) -> set[str]:
    """The owner of all patches, which their field manager ends with."""
    found: set[str] = set()
    for patch in got.of("NamespacePatch"):
        metadata = patch.inputs["metadata"]
        value = metadata["labels"][LABEL]
        assert metadata["annotations"][MANAGER] == f"pulumi-kubernetes-mlflow-platform-{value}"
        found.add(value)
    return found


def test_the_owner_of_a_platform_with_a_server_is_its_namespace() -> None:
    assert owners(taken_over("dev")) == {"mlflow"}
    assert owners(taken_over("dev", namespace="other")) == {"other"}


def test_the_owner_without_a_server_is_the_stack_and_no_name_of_a_namespace() -> None:
    assert owners(taken_over(WITHOUT_A_SERVER)) == {"stack.dev"}
    assert names.namespace("stack.dev") is not None


def test_no_namespace_that_the_stack_creates_has_an_owner() -> None:
    got = run_document(document("dev"), stack="dev", secrets=[*validated(document("dev")).needed_secrets])
    assert got.of("Namespace")
    assert all(LABEL not in one.inputs["metadata"]["labels"] for one in got.of("Namespace"))


@pytest.mark.parametrize("stack", ["a", "a-b.c_d", "ends-with_", "x" * 57, "x" * 58, "x" * 100])
def test_an_owner_is_the_value_of_a_label_and_differs_from_stack_to_stack(stack: str) -> None:
    settings = validated(document(WITHOUT_A_SERVER)).settings
    assert settings is not None
    found = owner(settings, stack)
    assert re.fullmatch(r"[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?", found)
    assert found not in {owner(settings, f"{stack}x"), owner(settings, f"x{stack}")}


def test_an_owner_is_said_as_a_platform_or_a_stack() -> None:
    assert in_words("mlflow") == "the platform in namespace mlflow"
    assert in_words("stack.prod") == "the stack prod, which has no server"
