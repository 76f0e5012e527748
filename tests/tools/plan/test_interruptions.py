from typing import Any

import pytest

from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.plan import report
from tools.plan.interruptions import interruptions, rolling
from tools.plan.preview import Step

IMAGE = ("spec.template.spec.containers[0].image",)
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def workload(replicas: int = 1, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a spec
    return {"spec": {"replicas": replicas, **spec}}


def told(*steps: Step) -> list[tuple[str, int | None]]:
    return [(one.who, one.seconds) for one in interruptions(steps)]


def test_pods_that_are_replaced_one_by_one_interrupt_nothing_and_are_named() -> None:
    made = step("update", "Deployment", "mlflow", old=workload(), new=workload(strategy=ROLLING), changed=IMAGE)
    assert told(made) == []
    assert rolling([made]) == ["Deployment mlflow/mlflow"]


@pytest.mark.parametrize(
    ("kind", "name", "new", "who", "seconds"),
    [
        ("Deployment", "mlflow", workload(strategy={"type": "Recreate"}), "MLflow", 60),
        ("StatefulSet", "postgres", workload(), "MLflow", 30),
        ("StatefulSet", "object-store", workload(), "uploads and downloads of artifacts", 30),
    ],
)
def test_a_single_pod_that_is_stopped_first_is_an_interruption(
    kind: str, name: str, new: dict[str, Any], who: str, seconds: int
) -> None:
    assert told(step("update", kind, name, old=workload(), new=new, changed=IMAGE)) == [(who, seconds)]


def test_a_change_that_restarts_no_pod_interrupts_nothing() -> None:
    assert (
        told(step("update", "StatefulSet", "postgres", old=workload(), new=workload(), changed=("metadata.labels",)))
        == []
    )


def test_what_is_deleted_or_scaled_to_nothing_does_not_come_back_by_itself() -> None:
    gone = step("delete", "Deployment", "mlflow", old=workload())
    paused = step("update", "Deployment", "dex", old=workload(), new=workload(0), changed=("spec.replicas",))
    assert told(gone, paused) == [("signing in", None), ("Deployment mlflow/mlflow", None)]


def test_a_replaced_workload_takes_twice_as_long() -> None:
    assert told(step("replace", "StatefulSet", "object-store", old=workload(), new=workload())) == [
        ("uploads and downloads of artifacts", 60)
    ]


def hosts(*names: str) -> dict[str, Any]:
    return {"spec": {"rules": [{"host": name} for name in names]}}


def test_another_host_ends_the_old_address() -> None:
    (found,) = interruptions(
        [step("update", "Ingress", "gateway", old=hosts("a.example.com"), new=hosts("b.example.com"))]
    )
    assert found.seconds is None
    assert found.ends == "a.example.com"
    assert found.becomes == ("b.example.com",)
    assert found.short == "becomes b.example.com"
    assert told(step("update", "Ingress", "gateway", old=hosts("a.b"), new=hosts("a.b", "c.d"))) == []


@pytest.mark.parametrize(("twice", "seconds"), [(True, 120), (False, 900)])
def test_another_class_restarts_the_database_at_aws(*, twice: bool, seconds: int) -> None:
    new = {"instanceClass": "db.m6g.large", "multiAz": twice, "applyImmediately": True}
    made = Step(
        op="update", urn="a::rds", type="aws:rds/instance:Instance", old={}, new=new, changed=("instanceClass",)
    )
    (found,) = interruptions([made])
    assert found.seconds == seconds
    assert "maintenance window" not in found.why


def test_the_longest_comes_first_and_what_has_no_end_before_all() -> None:
    made = [
        step("update", "StatefulSet", "postgres", old=workload(), new=workload(), changed=IMAGE),
        step("replace", "StatefulSet", "object-store", old=workload(), new=workload()),
        step("delete", "Deployment", "dex", old=workload()),
    ]
    assert [seconds for _, seconds in told(*made)] == [None, 60, 30]


def test_an_address_that_another_ingress_serves_does_not_end() -> None:
    assert (
        told(step("delete", "Ingress", "old", old=hosts("a.b")), step("create", "Ingress", "new", new=hosts("a.b")))
        == []
    )


def test_a_login_that_is_replaced_leaves_nobody_without_one() -> None:
    gone = step("delete", "Deployment", "dex", old=workload())
    assert interruptions([gone])[0].why.endswith("and this plan does not check that something else does")
    assert interruptions([gone], another_login=True)[0].why == "people sign in without it from now on, as said above"


def test_the_headline_names_who_misses_what_and_the_rest_says_what_goes_on() -> None:
    made = step(
        "update", "Deployment", "dex", old=workload(), new=workload(strategy={"type": "Recreate"}), changed=IMAGE
    )
    found = planned(preview(made))
    assert found.reasons == ["up to 30 s without signing in (your limit without approval is 0 s)"]
    text = report.markdown([found])
    assert "- Signing in: away for up to 30 s (`Deployment mlflow/dex`:" in text
    assert "- The lengths are estimates from the test cluster; if it takes longer, `make doctor STACK=dev`" in text
    assert "- MLflow itself keeps running." in text


def test_pods_that_do_not_start_leave_the_old_ones_running() -> None:
    made = step("update", "Deployment", "mlflow", old=workload(), new=workload(strategy=ROLLING), changed=IMAGE)
    assert "If the new ones do not start, the old ones go on." in report.markdown([planned(preview(made))])
