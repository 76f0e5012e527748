import json
from typing import Any

from tools.retention import Report, job_of, job_teams, reports, text

CRON_JOB: dict[str, Any] = {
    "metadata": {"name": "retention", "namespace": "mlflow"},
    "spec": {
        "jobTemplate": {
            "metadata": {"labels": {"app.kubernetes.io/name": "retention"}},
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "spec": {"containers": [{"env": [{"name": "RETENTION", "value": '{"team-a": {}, "team-b": {}}'}]}]}
                },
            },
        }
    },
}
LINE: dict[str, Any] = {
    "log": "retention",
    "workspace": "team-a",
    "dry": False,
    "done": {"deleted runs": {"count": 7, "first": ["a", "b", "c", "d", "e"]}},
    "failed": [],
}


def test_the_job_is_that_of_the_cron_job_and_goes_by_itself() -> None:
    job = job_of(CRON_JOB, "retention-by-hand", dry=False)
    assert job["metadata"] == {
        "name": "retention-by-hand",
        "namespace": "mlflow",
        "labels": {"app.kubernetes.io/name": "retention"},
    }
    assert job["spec"] == CRON_JOB["spec"]["jobTemplate"]["spec"] | {"ttlSecondsAfterFinished": 3600}
    assert job_teams(job) == ["team-a", "team-b"]


def test_a_dry_run_is_told_so_and_the_cron_job_is_not() -> None:
    job = job_of(CRON_JOB, "retention-by-hand", dry=True)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert {"name": "DRY", "value": "1"} in container["env"]
    assert "DRY" not in json.dumps(CRON_JOB)


def test_reports_are_found_between_other_lines_of_the_log() -> None:
    (report,) = reports(["warning: something", json.dumps(LINE), ""])
    assert report == Report(team="team-a", done={"deleted runs": (7, ("a", "b", "c", "d", "e"))}, failed=())


def test_a_report_names_the_first_objects_and_what_failed() -> None:
    report = Report(team="team-a", done={"old traces": (2, ("chat",))}, failed=("deleted runs r: OSError",))
    assert text(report, dry=False) == "team-a: old traces 2  (chat, ...)\nteam-a: FAILED deleted runs r: OSError"
    assert text(report, dry=True).startswith("team-a: would be: old traces 2")
    assert text(Report(team="team-b", done={}, failed=()), dry=False) == "team-b: nothing to do"
