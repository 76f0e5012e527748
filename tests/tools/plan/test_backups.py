import json
from typing import Any

import pytest

from tests.program.stacks import run
from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_report import planned
from tools.plan import report
from tools.plan.as_json import as_json
from tools.plan.backups import changes
from tools.plan.data import risks
from tools.plan.preview import UNKNOWN, Step
from tools.plan.risk import Risk

SUBJECT = "StatefulSet mlflow/postgres"


def database(*, key: str = "backups-1", endpoint: str | None = "https://s3", **variables: str) -> dict[str, Any]:
    """PostgreSQL's pod with backups."""
    named = {"BACKUP_DAYS": "7", "BACKUP_HOUR": "2", "BACKUP_BUCKET": "a", **variables}
    if endpoint is not None:
        named["BACKUP_ENDPOINT_URL"] = endpoint
    secret = {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": key, "key": "access-key-id"}}}
    env = [*({"name": name, "value": value} for name, value in named.items()), secret]
    return pod({"name": "postgres"}, {"name": "backup", "env": env})


def pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


def between(old: dict[str, Any], new: dict[str, Any]) -> Step:
    return step("update", "StatefulSet", "postgres", old=old, new=new)


def rds(old: dict[str, Any], new: dict[str, Any]) -> Step:
    return Step(op="update", urn="a::rds", type="aws:rds/instance:Instance", old=old, new=new)


def risk(made: Step) -> Risk:
    (found,) = risks([made])
    assert changes([made]) == []
    return found


def sentence(made: Step) -> str:
    (found,) = changes([made])
    assert risks([made]) == []
    return found


def test_backups_that_end_are_a_risk_that_says_what_stays() -> None:
    found = risk(between(database(), pod({"name": "postgres"})))
    assert (found.subject, found.what) == (SUBJECT, "is no longer backed up")
    assert found.kept == "the existing backups, which are no longer deleted after some days"


def test_backups_that_are_kept_for_less_time_are_a_risk() -> None:
    found = risk(between(database(), database(BACKUP_DAYS="2")))
    assert found.what == "backups are kept for 2 days instead of 7"


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (database(BACKUP_BUCKET="b"), "the bucket b at https://s3"),
        (database(endpoint="https://other"), "the bucket a at https://other"),
        (database(endpoint=None), "the bucket a at AWS"),
        (database(endpoint=UNKNOWN), "the bucket a at an address known after `up`"),
    ],
)
def test_backups_that_move_are_a_risk_with_both_places(new: dict[str, Any], place: str) -> None:
    found = risk(between(database(), new))
    assert found.what.startswith(
        f"backups go to {place} instead of the bucket a at https://s3: the backups in the old place are"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (pod({"name": "postgres"}), database(), "is backed up from now on, to the bucket a at https://s3, for 7 days"),
        (database(), database(BACKUP_DAYS="30"), "backups are kept for 30 days instead of 7"),
        (database(), database(BACKUP_HOUR="4"), "base backups are taken at 4:00 UTC instead of 2:00"),
        (database(), database(key=UNKNOWN), "backups use another access key for the bucket a at https://s3"),
    ],
)
def test_what_else_a_change_does_to_backups_is_said_without_a_risk(
    old: dict[str, Any], new: dict[str, Any], said: str
) -> None:
    assert sentence(between(old, new)) == f"{SUBJECT}: {said}"


def test_a_pod_without_a_change_of_its_backups_says_nothing() -> None:
    for made in (
        between(database(), database()),
        between(pod({"name": "backup"}), pod({"name": "backup"})),
        step("create", "StatefulSet", "postgres", new=database()),
    ):
        assert (changes([made]), risks([made])) == ([], [])


def test_backups_of_rds_that_end_or_are_kept_for_less_time_are_a_risk() -> None:
    week = {"backupRetentionPeriod": 7}
    fewer = risk(rds({"backupRetentionPeriod": 14}, week))
    assert fewer.what == "automated backups are kept for 7 days instead of 14"
    ended = risk(rds(week, {"backupRetentionPeriod": 0}))
    assert ended.what == "is no longer backed up, and RDS deletes the automated backups of the last 7 days"
    assert ended.before == "take a snapshot of Instance rds"


def test_backups_of_rds_that_are_kept_longer_or_taken_at_another_hour_are_said() -> None:
    more = rds({"backupRetentionPeriod": 7}, {"backupRetentionPeriod": 14})
    assert sentence(more) == "Instance rds: automated backups are kept for 14 days instead of 7"
    later = rds({"backupWindow": "02:00-03:00"}, {"backupWindow": "04:00-05:00"})
    assert sentence(later) == "Instance rds: automated backups are taken at 04:00-05:00 UTC instead of 02:00-03:00"


def test_the_plan_has_a_section_for_them() -> None:
    one = planned(preview(between(database(), database(BACKUP_HOUR="4"))))
    said = "base backups are taken at 4:00 UTC instead of 2:00"
    assert f"### Backups\n\n- `{SUBJECT}`: {said}." in report.markdown([one])
    assert json.loads(as_json([one]))["plans"][0]["backups"] == [f"{SUBJECT}: {said}"]


def test_the_programs_own_pod_is_read() -> None:
    on, off = (run("dev", backups={"enabled": enabled})["postgres-server"].inputs for enabled in (True, False))
    assert risk(between(on, off)).what == "is no longer backed up"
    assert sentence(between(off, on)).endswith("to the bucket mlflow-backups at http://object-store:8333, for 7 days")
