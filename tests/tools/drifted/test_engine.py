import pytest

from tests.tools.drifted.parts import refresh, resource
from tests.tools.plan.parts import stream
from tools.drifted.engine import EngineError, answers, refreshed

BUCKET = {**resource("Bucket", "files"), "urn": "urn:pulumi:dev::p::aws:s3/bucket:Bucket::files"}
SUMMARY: dict[str, object] = {"summaryEvent": {"resourceChanges": {}}}


def read(old: object, new: object, path: str = "tags.team") -> dict[str, object]:
    """The event after a resource was read."""
    states = {"old": {"inputs": {"tags": {"team": old}}}, "new": {"inputs": {"tags": {"team": new}}}}
    metadata = {"op": "update", "urn": BUCKET["urn"], "detailedDiff": {path: {"diffKind": "update"}}, **states}
    return {"resOutputsEvent": {"metadata": metadata}}


def test_a_refresh_says_what_is_gone_and_what_differs() -> None:
    gone = resource("ConfigMap", "settings")
    found = refreshed(refresh(("same", resource("Service", "a")), ("delete", gone)))
    assert found.keys() == {gone["urn"]}
    assert found[gone["urn"]].gone


def test_before_a_resource_was_read_nothing_is_said_of_it() -> None:
    before = {"resourcePreEvent": {"metadata": {"op": "refresh", "urn": BUCKET["urn"]}}}
    assert refreshed(stream(before, SUMMARY)) == {}


def test_of_a_resource_elsewhere_the_engine_names_fields_and_values() -> None:
    found = refreshed(stream(read("a", "b"), SUMMARY))[BUCKET["urn"]]
    (change,) = found.changes
    assert (change.field, change.stack, change.cluster, change.by) == ("tags.team", "a", "b", ())


def test_a_value_that_the_engine_has_masked_stays_so() -> None:
    (change,) = refreshed(stream(read("[secret]", "b"), SUMMARY))[BUCKET["urn"]].changes
    assert (change.stack, change.cluster) == ("(secret)", "(secret)")


def test_outputs_stand_in_for_a_value_that_is_no_input() -> None:
    states = {"old": {"outputs": {"arn": "a"}}, "new": {"outputs": {"arn": "b"}}}
    event: dict[str, object] = {
        "resOutputsEvent": {"metadata": {"op": "update", "urn": "urn::a", "diffs": ["arn"], **states}}
    }
    (change,) = refreshed(stream(event, SUMMARY))["urn::a"].changes
    assert (change.stack, change.cluster) == ("a", "b")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("", "did not finish"),
        (stream(read("a", "b")), "did not finish"),
        (stream({"diagnosticEvent": {"severity": "error", "message": "no such host\n"}}, SUMMARY), "no such host"),
        ("error: no stack", "cannot be read"),
    ],
    ids=["nothing", "no end", "an error", "no events"],
)
def test_a_refresh_that_did_not_look_everywhere_is_not_taken_for_one_without_drift(events: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        refreshed(events)


def test_the_answer_of_an_up_is_its_operation_or_its_error() -> None:
    def planned(op: str, urn: str) -> dict[str, object]:
        return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn}}}

    conflict = 'Apply failed with 1 conflict: conflict with "kubectl-patch"\n'
    error: dict[str, object] = {"diagnosticEvent": {"severity": "error", "urn": "urn::b", "message": conflict}}
    steps = [planned("refresh", "urn::a"), planned("create-replacement", "urn::a"), planned("replace", "urn::a")]
    found = answers(stream(*steps, planned("update", "urn::b"), error, planned("same", "urn::c")))
    assert found == {"urn::a": "replace", "urn::b": conflict.strip()}
