from collections.abc import Callable
from typing import Any

import pytest
import yaml
from pulumi_policy import EnforcementLevel

from policy.rules import POLICIES, RULES
from tests.harness import Recording
from tests.policy.judge import UNKNOWN, as_asked, judge
from tests.policy.mutation import VARIANTS, Mutation, stack
from tests.policy.mutations import MUTATIONS
from tests.program.stacks import ROOT, SECRETS, STACKS, recorded, run, stack_file
from tests.program.test_backing_services import external, volumes


@pytest.mark.parametrize("name", [*STACKS, *VARIANTS])
def test_no_committed_stack_violates_the_pack(name: str) -> None:
    assert judge(stack(name)) == []


@pytest.mark.parametrize("name", STACKS)
def test_no_stack_with_webhooks_violates_the_pack(name: str) -> None:
    server = {
        **stack_file(name)["mlflow-platform:server"],
        "features": ["webhooks"],
        "webhookHosts": ["hooks.example.com"],
    }
    assert judge(as_asked(run(name, secrets=SECRETS[name], server=server), name)) == []


@pytest.mark.parametrize("name", STACKS)
def test_no_stack_with_a_session_store_violates_the_pack(name: str) -> None:
    assert judge(as_asked(run(name, secrets=SECRETS[name], sessions={"store": "valkey"}), name)) == []


@pytest.mark.parametrize("metrics", ["annotations", "service-monitor"])
@pytest.mark.parametrize("name", STACKS)
def test_no_stack_with_metrics_violates_the_pack(name: str, metrics: str) -> None:
    assert judge(as_asked(run(name, secrets=SECRETS[name], monitoring={"metrics": metrics}), name)) == []


def test_no_stack_with_backups_violates_the_pack() -> None:
    assert judge(as_asked(run("dev", backups={"enabled": True}), "dev")) == []


@pytest.mark.parametrize("name", STACKS)
def test_no_stack_that_serves_models_violates_the_pack(name: str) -> None:
    model = {"model": "fraud-detection", "image": "registry.example.com/fraud:1.0", "namespaces": ["shop"]}
    serving = {"fraud": {**model, "challenger": {"share": 10}}, "risk": {**model, "kind": "kserve"}}
    teams = {team: {"serving": serving} for team in stack_file(name)["mlflow-platform:teams"]}
    cluster: dict[str, Any] = {**(stack_file(name)["mlflow-platform:cluster"] or {}), "apiServer": ["10.0.0.1/32"]}
    assert judge(as_asked(run(name, secrets=SECRETS[name], teams=teams, cluster=cluster), name)) == []


@pytest.mark.parametrize("services", [external, volumes], ids=lambda chosen: chosen.__name__)
def test_no_stack_on_other_services_violates_the_pack(services: Callable[[], Recording]) -> None:
    assert judge(as_asked(services(), "dev")) == []


@pytest.mark.parametrize("name", STACKS)
def test_no_rule_stops_at_what_a_preview_does_not_know(name: str) -> None:
    resources = as_asked(recorded(name, preview=True), name)
    assert any(UNKNOWN in str(found.inputs) for found in resources)
    assert judge(resources) == []


@pytest.mark.parametrize("mutation", [one for one in MUTATIONS if one.configuration], ids=str)
def test_a_stack_keeps_to_the_demands_under_which_it_is_broken(mutation: Mutation) -> None:
    assert judge(stack(mutation.stack), mutation.configuration) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_broken_program_violates_the_rule_it_breaks_and_no_other(mutation: Mutation) -> None:
    # The tests above have judged each resource of the whole program.
    whole = stack(mutation.stack)
    found = judge(mutation.apply(list(whole)), mutation.configuration, admitted=whole)
    assert {sentence.partition(":")[0] for sentence in found} == {mutation.rule}


def test_every_rule_has_a_program_that_breaks_it() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == {policy.name for policy in POLICIES}


def test_every_stack_has_broken_programs() -> None:
    assert {mutation.stack for mutation in MUTATIONS} == {*STACKS, *VARIANTS}


def test_every_rule_stops_a_deployment_except_those_that_a_stack_has_to_ask_for() -> None:
    levels = {rule.name: rule.level for rule in RULES}
    assert levels.pop("images-are-pinned") == EnforcementLevel.DISABLED
    assert set(levels.values()) == {EnforcementLevel.MANDATORY}


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [policy.name for policy in POLICIES]
    assert len(names) == len(set(names))


def test_a_rule_tells_what_why_where_to_read_on_and_how_to_mend_it() -> None:
    for rule in RULES:
        assert rule.reference.url.startswith("https://")
        for sentence in (rule.demands, rule.reason, rule.remedy):
            assert sentence.endswith("."), sentence
        # Plans take the first line of a message for the description.
        assert "\n" not in rule.description
        assert rule.reason in rule.description
        assert rule.reference.url in rule.description


def test_the_pack_is_one_that_the_engine_runs() -> None:
    pack = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert pack["runtime"]["name"] == "python"
    assert pack["version"].count(".") == 2
