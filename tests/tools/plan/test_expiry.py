import json
from typing import Any

from tests.tools.plan.parts import step
from tools.plan.data import risks


def retention(**teams: dict[str, int | None]) -> dict[str, Any]:
    env = [{"name": "RETENTION", "value": json.dumps(teams)}]
    pod = {"spec": {"containers": [{"name": "retention", "env": env}]}}
    return {"spec": {"jobTemplate": {"spec": {"template": pod}}}}


def told(op: str, kind: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [risk.what for risk in risks([step(op, kind, "retention", old=old, new=new)])]


def test_a_retention_that_begins_says_of_whom_and_after_how_many_days() -> None:
    ages: dict[str, int | None] = {"deleted_days": 30, "trace_days": None, "archive_days": 10}
    what = (
        "runs, experiments and logged models that were deleted {} days ago or earlier are deleted permanently every"
        " night, of {}"
    )
    told_of = told("create", "CronJob", {}, retention(a=ages, b={**ages, "deleted_days": 90}))
    assert told_of == [what.format(30, "a"), what.format(90, "b")]


def test_only_a_lower_age_is_a_risk() -> None:
    before = retention(a={"trace_days": 90}, b={"trace_days": 90})
    (what,) = told("update", "CronJob", before, retention(a={"trace_days": 60}, b={"trace_days": 120}))
    assert what == "traces that began 60 days ago or earlier are deleted permanently every night, of a"
    assert told("update", "CronJob", before, before) == []


def test_another_cron_job_deletes_nothing() -> None:
    assert told("create", "CronJob", {}, {"spec": {}}) == []
