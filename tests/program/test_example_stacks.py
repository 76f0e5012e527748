"""The stack files in examples/stacks lack only their secrets, and their previews keep every rule of the policy pack."""

import dataclasses
import functools
import re
from typing import Any

import pytest
import yaml

from policy.rules import configuration
from tests.harness import PROJECT, Recording
from tests.policy.judge import Asked, as_asked, judge
from tests.program.stacks import ROOT, run_document
from tools.check import check, stacks

FOLDER = ROOT / "examples" / "stacks"
FILES = {path.name.removeprefix("Pulumi.").removesuffix(".yaml"): path for path in FOLDER.glob("Pulumi.*.yaml")}
SECRET = re.compile(r"^#   pulumi config set --secret (\w+)", re.MULTILINE)


def text(stack: str) -> str:
    return FILES[stack].read_text(encoding="utf-8")


def document(stack: str) -> dict[str, Any]:
    """The settings of an example, without the project's prefix."""
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in yaml.safe_load(text(stack))["config"].items()}


@functools.cache
def previewed(stack: str) -> Recording:
    return run_document(document(stack), stack=stack, secrets=SECRET.findall(text(stack)), preview=True)


def asked(stack: str) -> list[Asked]:
    """What policies are asked about an example; the engine tells them its profile."""
    profile = yaml.safe_load(text(stack))["config"][configuration.PROFILE]
    return [dataclasses.replace(one, profile=profile) for one in as_asked(previewed(stack), stack)]


@pytest.mark.parametrize("stack", sorted(FILES))
def test_the_preview_of_an_example_keeps_every_rule_of_the_policy_pack(stack: str) -> None:
    resources = asked(stack)
    assert any(one.type.endswith(":Deployment") for one in resources)
    assert judge(resources) == []


def test_the_examples_are_judged_by_the_rules_of_their_profiles() -> None:
    protected = [one for one in asked("eks-entra") if one.protect]
    unprotected = [dataclasses.replace(one, protect=False) for one in asked("eks-entra")]
    assert protected
    assert judge(unprotected) != []


@pytest.mark.parametrize("stack", sorted(FILES))
def test_an_example_lacks_only_the_secrets_that_its_first_lines_name(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    found = check(stack)
    assert found.unreadable == ""
    assert sorted(one.path for one in found.mistakes) == sorted(SECRET.findall(text(stack)))
    assert {one.problem.partition(";")[0] for one in found.mistakes} <= {"is missing"}


def test_make_check_finds_every_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    assert stacks() == sorted(FILES) != []


@pytest.mark.parametrize("stack", sorted(FILES))
def test_an_example_stores_no_secret(stack: str) -> None:
    assert "secure:" not in text(stack)
    assert not set(SECRET.findall(text(stack))) & document(stack).keys()


def test_eks_pod_identity_in_place_of_roles_for_service_accounts_keeps_every_rule_too() -> None:
    settings = document("eks-entra")
    settings["aws"] = {**settings["aws"], "identity": {"kind": "pod-identity", "clusterName": "production"}}
    got = run_document(settings, stack="eks-entra", secrets=["loginClientSecret"], preview=True)
    assert any(one.type == "aws:eks/podIdentityAssociation:PodIdentityAssociation" for one in got)
    assert judge([dataclasses.replace(one, profile="production") for one in as_asked(got, "eks-entra")]) == []
