from typing import Any

import pytest

from tests.tools.plan.parts import step
from tools.plan.preview import Step
from tools.plan.totals import Totals, before_and_after, growth, monthly


def workload(replicas: int, cpu: str, memory: str, **pod: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a pod
    container = {"resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {"spec": {"replicas": replicas, "template": {"spec": {"containers": [container], **pod}}}}


def test_requests_of_all_pods_are_summed_with_their_sidecars_and_without_what_runs_before_them() -> None:
    sidecar = {"restartPolicy": "Always", "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
    before_start = {"resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}
    new = workload(2, "250m", "1Gi", initContainers=[sidecar, before_start])
    before, after = before_and_after([step("create", "Deployment", "mlflow", new=new)])
    assert before == Totals()
    assert (after.cpu, after.memory, after.pods) == (pytest.approx(0.6), pytest.approx(2.125), 2)


def test_volumes_and_databases_at_aws_are_storage() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "10Gi"}}}}
    store: dict[str, Any] = {"spec": {"replicas": 1, "volumeClaimTemplates": [claim], "template": {"spec": {}}}}
    rds = {"allocatedStorage": 100, "instanceClass": "db.m6g.large", "multiAz": True}
    instance = Step(op="create", urn="a::rds", type="aws:rds/instance:Instance", new=rds)
    _, after = before_and_after([step("create", "StatefulSet", "store", new=store), instance])
    assert after.storage == 210
    assert after.instances == ("db.m6g.large", "db.m6g.large")


def test_what_does_not_change_counts_on_both_sides() -> None:
    same = workload(1, "1", "1Gi")
    before, after = before_and_after([step("same", "Deployment", "dex", old=same, new=same)])
    assert before == after != Totals()


def test_a_price_list_turns_totals_into_money() -> None:
    totals = Totals(cpu=2, memory=4, storage=100, instances=("db.m6g.large",))
    assert monthly(totals, {"cpu": 25, "memory": 3, "storage": 0.1, "db.m6g.large": 130}) == pytest.approx(202)
    with pytest.raises(KeyError, match=r"db\.m6g\.large"):
        monthly(totals, {"cpu": 25})


def test_growth_is_the_largest_of_cpu_memory_and_storage() -> None:
    assert growth(Totals(cpu=1, memory=10, storage=5), Totals(cpu=1.5, memory=11, storage=5)) == pytest.approx(50)
    assert growth(Totals(cpu=2), Totals(cpu=1)) == 0
    assert growth(Totals(), Totals(cpu=1)) == 0


def test_what_quotas_grant_to_teams_is_summed_beside_what_is_reserved() -> None:
    quota = {"spec": {"hard": {"limits.cpu": "16", "limits.memory": "64Gi"}}}
    _, after = before_and_after([step("create", "ResourceQuota", "team", new=quota)])
    assert (after.granted_cpu, after.granted_memory, after.cpu) == (16, 64, 0)
