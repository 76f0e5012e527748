"""The wait for rollouts: what counts as rolled out."""

from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from tools.rollout import unfinished

DONE: dict[str, int | None] = {"observed_generation": 3, "replicas": 2, "updated_replicas": 2, "ready_replicas": 2}


def workload(wanted: int = 2, *, status: Mapping[str, int | None] = DONE) -> SimpleNamespace:
    return SimpleNamespace(
        metadata=SimpleNamespace(generation=3),
        spec=SimpleNamespace(replicas=wanted),
        status=SimpleNamespace(**{**DONE, **status}),
    )


def test_only_ready_pods_of_the_current_template_are_a_finished_rollout() -> None:
    assert unfinished(workload()) == ""


def test_a_paused_server_is_rolled_out() -> None:
    assert unfinished(workload(0, status={"replicas": None, "updated_replicas": None, "ready_replicas": None})) == ""


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"observed_generation": 2}, "Kubernetes has not seen its last change yet"),
        ({"observed_generation": None}, "Kubernetes has not seen its last change yet"),
        ({"updated_replicas": None}, "0 of 2 pods are updated"),
        ({"replicas": 3}, "1 pods of before are still there"),
        ({"ready_replicas": 1}, "1 of 2 pods are ready"),
    ],
)
def test_the_reason_says_what_the_rollout_waits_for(status: dict[str, int | None], reason: str) -> None:
    assert unfinished(workload(status=status)) == reason
