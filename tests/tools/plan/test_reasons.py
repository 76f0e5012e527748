from factories.access import access_matrix
from settings.loader import Source
from tests.tools.plan.parts import preview, step
from tests.tools.plan.test_data import server
from tests.tools.plan.test_people import ALICE, source
from tests.tools.plan.test_report import restarted
from tools.access.difference import Difference, difference
from tools.plan.people import people
from tools.plan.plan import plan
from tools.plan.preview import Step


def told(now: Source, *steps: Step) -> list[str]:
    past = source()
    found = people("dev", past, now)
    assert found is not None
    access: Difference = difference(access_matrix(found.before), access_matrix(found.after))
    return plan("dev", preview(*steps), access=access, now=now, past=past).reasons


REMOVED = source(teams={"team-a": {"description": "Recommendation models"}})


def test_who_loses_a_removed_team_comes_before_what_needs_the_approval() -> None:
    first, second = told(REMOVED, restarted())
    assert first == "team team-b is removed: bob@example.com, dora@example.com and its programs lose access"
    assert second == "up to 30 s without MLflow (your limit without approval is 0 s)"


def test_a_loss_alone_needs_no_approval() -> None:
    assert told(REMOVED) == []


def test_who_can_still_sign_in_is_named_if_these_are_few_and_so_are_teams_that_nobody_can_use() -> None:
    assert told(source(login={"kind": "basic", "users": ALICE})) == [
        "people sign in differently",
        "only alice@example.com can sign in afterwards",
        "no person can use team-b any more",
    ]
    many = {f"user{number}@example.com": {"groups": ["team-a-mlflow-users"]} for number in range(4)}
    assert "4 people can no longer sign in" in told(source(login={"kind": "development", "users": many}))


def test_moved_data_say_that_writing_has_to_stop_and_what_is_deleted() -> None:
    moved = step("update", "Deployment", "mlflow", old=server("s3://a"), new=server("s3://b"))
    (only,) = told(source(), moved, step("delete", "StatefulSet", "object-store", old={}))
    assert only == (
        "data is at risk (artifacts are looked for in bucket b, where those of before are not; writing has to stop"
        " while somebody copies them; StatefulSet mlflow/object-store, which serves them, is deleted)"
    )
