"""Namespaces of the ingress controller, as the doctor finds them in what the program deploys."""

from dataclasses import asdict
from typing import Any

import pytest

from tests.program import stacks
from tests.tools.doctor.scene import Scene
from tools.doctor.chapters.networks import controller_namespaces
from tools.doctor.expected import from_state
from tools.doctor.facts import Facts

STACKS: dict[str, dict[str, Any]] = {
    "as committed": {},
    "account elsewhere": {"teams": {"team-a": {"serviceAccounts": ["airflow/airflow-worker"]}, "team-b": {}}},
    "log-only account elsewhere": {"teams": {"team-a": {"loggingAccounts": ["airflow/logger"]}, "team-b": {}}},
    "service monitor": {"monitoring": {"metrics": "service-monitor"}},
    "annotations": {"monitoring": {"metrics": "annotations"}},
    "ForwardAuth": {"gateway": {"kind": "ingress", "login": "forward-auth"}},
    "Gateway API": {"gateway": {"kind": "http-route", "className": "company"}},
}


def deployed(changes: dict[str, Any]) -> Facts:
    """Facts about the stack `dev` with changed settings, as deployed."""
    resources = [
        {"type": one.type, "id": f"{one.inputs['metadata'].get('namespace', '')}/{one.name}", "inputs": one.inputs}
        for one in stacks.run("dev", **changes)
        if one.kind in {"NetworkPolicy", "RoleBinding"}
    ]
    return Facts(Scene().document | {"expected": [asdict(one) for one in from_state(resources)]})


@pytest.mark.parametrize("changes", STACKS.values(), ids=STACKS)
def test_only_namespaces_of_the_ingress_controller_are_taken_for_its_own(changes: dict[str, Any]) -> None:
    assert controller_namespaces(deployed(changes)) == ["traefik"]
