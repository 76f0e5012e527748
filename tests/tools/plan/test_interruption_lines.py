from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_data import server
from tests.tools.plan.test_interruptions import IMAGE, ROLLING, hosts, workload
from tests.tools.plan.test_networks import of_pods, policy
from tests.tools.plan.test_report import planned
from tools.access.words import PLAIN
from tools.plan.interruption_lines import interruption_lines
from tools.plan.preview import Step

MIGRATION = "urn:pulumi:dev::p::mlflow-platform:index:SchemaMigration::migration"
ROLLED = step("update", "Deployment", "mlflow", old=workload(), new=workload(strategy=ROLLING), changed=IMAGE)


def told(*steps: Step) -> list[str]:
    return interruption_lines(planned(preview(*steps)), PLAIN)


def job(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}


def test_old_pods_go_on_if_new_ones_do_not_start() -> None:
    (only,) = told(ROLLED)
    assert only == (
        "Deployment mlflow/mlflow: new pods serve before the old ones stop. If the new ones do not start, the old ones"
        " go on."
    )


GONE = step("delete", "StatefulSet", "object-store", old={})


@pytest.mark.parametrize(
    ("others", "limit"),
    [
        (
            [step("update", "Ingress", "mlflow", old=hosts("a.b"), new=hosts("c.d"))],
            "the old ones go on, but refuse the new address, so that browsers cannot use MLflow.",
        ),
        (
            [step("replace", "Job", "migrate", old=job("a:1"), new=job("a:2"), parent=MIGRATION)],
            "the old ones go on, but do not start again if the schema has been changed.",
        ),
        (
            [GONE, step("update", "NetworkPolicy", "a", old=policy(of_pods("object-store")), new=policy())],
            (
                "the old ones go on, but cannot connect any more to what this plan deletes; `up` then ends with an"
                " error, before it deletes StatefulSet mlflow/object-store."
            ),
        ),
    ],
    ids=["another address", "another schema", "a deleted store"],
)
def test_what_old_pods_can_no_longer_do_is_said(others: list[Step], limit: str) -> None:
    (rollout,) = [line for line in told(ROLLED, *others) if "new pods serve before" in line]
    assert rollout.endswith(limit)


def test_another_address_says_that_neither_works_for_a_while_and_that_programs_keep_theirs() -> None:
    data = {"data": {"MLFLOW_TRACKING_URI": "http://mlflow.mlflow"}}
    client = step("same", "ConfigMap", "mlflow-client", old=data, new=data)
    lines = told(ROLLED, step("update", "Ingress", "mlflow", old=hosts("a.b"), new=hosts("c.d")), client)
    assert "Until the new pods serve, browsers reach MLflow at neither address: how long was not measured." in lines
    assert "Programs of teams in the cluster keep their address (http://mlflow.mlflow)." in lines


def test_a_migration_that_may_stop_writing_is_no_rollout_without_an_interruption() -> None:
    lines = told(ROLLED, step("replace", "Job", "migrate", old=job("a:1"), new=job("a:2"), parent=MIGRATION))
    assert lines[-1].startswith("If the new image changes the schema: (a) writing can stop while an index is built")


def test_moved_data_stop_writing_while_they_are_copied() -> None:
    lines = told(step("update", "Deployment", "mlflow", old=server("s3://a"), new=server("s3://b")))
    assert "Writing to MLflow has to stop while somebody copies the artifacts: how long is not known." in lines


def test_lengths_at_aws_are_those_that_aws_names() -> None:
    made = Step(
        op="update",
        urn="a::rds",
        type="aws:rds/instance:Instance",
        old={},
        new={"instanceClass": "b"},
        changed=("instanceClass",),
    )
    (first, *rest) = told(made)
    assert "away for up to 15 minutes, as AWS names it (" in first
    assert not any("test cluster" in line for line in rest)
