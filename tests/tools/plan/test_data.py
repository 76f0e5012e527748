from typing import Any

import pytest

from tests.tools.plan.parts import step
from tools.plan.data import risks
from tools.plan.preview import Step


def told(*steps: Step) -> list[tuple[str, str]]:
    return [(risk.subject, risk.what) for risk in risks(steps)]


def aws(kind: str, old: dict[str, Any], new: dict[str, Any], **fields: Any) -> Step:  # noqa: ANN401 - fields of a step
    return Step(op="update", urn=f"a::{kind.lower()}", type=f"aws:x/y:{kind}", old=old, new=new, **fields)


def test_a_deleted_namespace_says_what_is_lost_what_stays_and_the_way_back() -> None:
    (risk,) = risks([step("delete", "Namespace", "team-b", old={})])
    assert risk.what == "is deleted: its pods, Secrets and volumes are lost permanently"
    assert risk.kept == "volumes with reclaim policy Retain"
    assert "docs/destroy.md" in risk.back
    assert risk.before.startswith("ask those who use Namespace mlflow/team-b what they still need of its pods, Secrets")
    assert "`kubectl --namespace team-b get pods,secrets,pvc`" in risk.before


def test_of_a_team_what_is_in_mlflow_is_kept_while_its_namespace_is_lost() -> None:
    parent = "urn:pulumi:dev::p::mlflow-platform:index:Workspace::team-b"
    (risk,) = risks([step("delete", "Namespace", "team-b", old={}, parent=parent)])
    assert risk.kept.startswith("the team's data in MLflow; ")
    assert risk.back.startswith("a team of the same name finds its data in MLflow again; ")


def test_no_name_of_a_namespace_can_leave_its_place_in_a_command() -> None:
    (risk,) = risks([step("delete", "Namespace", "a` @everybody", old={})])
    assert "`kubectl --namespace NAME get pods,secrets,pvc`" in risk.before


def test_the_namespace_of_an_archived_team_is_named_as_one() -> None:
    labels = {"metadata": {"name": "old", "labels": {"mlflow-platform/archived": "true"}}}
    assert "(the namespace of an archived team)" in told(step("delete", "Namespace", "old", old=labels))[0][1]


def test_a_replaced_database_names_the_property_that_cannot_change() -> None:
    path = "spec.volumeClaimTemplates[0].spec.resources.requests.storage"
    ((subject, what),) = told(step("replace", "StatefulSet", "postgres", old={}, new={}, changed=(path,)))
    assert subject == "StatefulSet mlflow/postgres"
    assert what == f"is replaced, because {path} cannot change in place: its pods end"


@pytest.mark.parametrize("protected", [False, True])
def test_before_a_statefulset_is_replaced_for_larger_volumes_they_have_to_grow(*, protected: bool) -> None:
    made = step(
        "replace", "StatefulSet", "postgres", old=claims("5Gi"), new=claims("8Gi"), protected=(protected, protected)
    )
    (risk,) = risks([made])
    assert risk.before.startswith("run `make grow` with this stack file, which enlarges the volumes of StatefulSet ")


def test_a_statefulset_that_is_replaced_for_smaller_volumes_keeps_its_size() -> None:
    (risk,) = risks([step("replace", "StatefulSet", "postgres", old=claims("8Gi"), new=claims("5Gi"))])
    assert risk.before.startswith("take the smaller size back: the volumes of StatefulSet ")


def test_what_pulumi_protects_is_no_loss_but_a_failure() -> None:
    (risk,) = risks([step("delete", "StatefulSet", "postgres", old={}, protected=(True, False))])
    assert "this `up` fails" in risk.what
    assert risk.kept == "everything, until the protection is removed"


def test_what_outlives_the_stack_is_said_to_be_nobodys() -> None:
    ((_, what),) = told(step("delete", "Namespace", "team-b", old={}, retained=(True, False)))
    assert what == "is deleted in the stack's state only: the object itself stays, and no stack manages it"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"protected": (True, False)}, "loses Pulumi's protection from deletion"),
        ({"retained": (True, False)}, "loses its retention after it is removed from the stack"),
    ],
)
def test_a_guard_that_is_removed_is_a_risk_even_if_nothing_else_changes(fields: dict[str, Any], word: str) -> None:
    assert told(step("same", "StatefulSet", "postgres", old={}, new={}, **fields)) == [
        ("StatefulSet mlflow/postgres", word)
    ]


def claims(size: str) -> dict[str, Any]:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}
    return {"spec": {"volumeClaimTemplates": [claim]}}


def test_a_volume_that_shall_shrink_is_named() -> None:
    ((_, what),) = told(step("update", "StatefulSet", "postgres", old=claims("10Gi"), new=claims("8Gi")))
    assert what == "volume data: a claim cannot shrink, so the change is refused"
    assert told(step("update", "StatefulSet", "postgres", old=claims("8Gi"), new=claims("10Gi"))) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ({"deletionProtection": True}, {"deletionProtection": False}, "loses protection from deletion"),
        ({"deletionProtection": True}, {}, "loses protection from deletion"),
        ({"skipFinalSnapshot": False}, {"skipFinalSnapshot": True}, "loses the last snapshot at deletion"),
        ({"kmsKeyId": "one"}, {"kmsKeyId": "other"}, "new data is encrypted with another key"),
    ],
)
def test_weaker_settings_at_aws_are_risks(old: dict[str, Any], new: dict[str, Any], what: str) -> None:
    assert told(aws("Instance", old, new)) == [("Instance instance", what)]
    assert told(aws("Instance", new, new)) == []


def rules(days: int) -> dict[str, Any]:
    return {"rules": [{"id": "old", "noncurrentVersionExpiration": {"noncurrentDays": days}}]}


def test_a_lifecycle_that_deletes_sooner_is_a_risk_and_one_that_keeps_longer_is_none() -> None:
    ((_, what),) = told(aws("BucketLifecycleConfiguration", rules(90), rules(30)))
    assert what == "rule old, noncurrentVersionExpiration: objects expire after 30 days instead of 90"
    assert told(aws("BucketLifecycleConfiguration", rules(30), rules(90))) == []
    ((_, what),) = told(aws("BucketLifecycleConfiguration", {}, rules(30)))
    assert what == "rule old, noncurrentVersionExpiration: objects expire after 30 days"


def test_objects_without_data_are_no_risk() -> None:
    assert (
        risks([step("delete", "Deployment", "mlflow", old={}), step("replace", "Job", "migration", old={}, new={})])
        == []
    )


def job(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}


def test_another_image_of_the_server_migrates_the_schema_which_nothing_reverts() -> None:
    parent = "urn:pulumi:dev::p::mlflow-platform:index:SchemaMigration::migration"
    made = step("replace", "Job", "migrate", old=job("mlflow:3.16"), new=job("mlflow:3.17"), parent=parent)
    (risk,) = risks([made])
    assert risk.subject == "schema of the database"
    assert risk.what.startswith("whether the new image changes it is not known before the `up`.")
    assert risk.before.startswith("arrange that directly before the `up` writing to MLflow stops, a backup")
    assert "writing may stop meanwhile" in risk.short
    assert (
        risks([step("replace", "Job", "migrate", old=job("mlflow:3.17"), new=job("mlflow:3.17"), parent=parent)]) == []
    )


def server(artifacts: str) -> dict[str, Any]:
    container = {"command": ["mlflow", "server", f"--artifacts-destination={artifacts}"]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def test_a_server_that_looks_for_artifacts_elsewhere_does_not_find_those_of_before() -> None:
    made = step("update", "Deployment", "mlflow", old=server("s3://a"), new=server("s3://b"))
    assert told(made) == [
        ("artifacts", "MLflow looks for them in bucket b instead of bucket a, and does not find those of before")
    ]


def test_the_same_bucket_at_another_address_is_another_place() -> None:
    old, new = server("s3://a"), server("s3://a")
    for side, address in ((old, "http://here"), (new, "https://there")):
        side["spec"]["template"]["spec"]["containers"][0]["env"] = [
            {"name": "MLFLOW_S3_ENDPOINT_URL", "value": address}
        ]
    ((_, what),) = told(step("update", "Deployment", "mlflow", old=old, new=new))
    assert "in bucket a at https://there instead of bucket a at http://here" in what


@pytest.mark.parametrize("place", ["s3://a", "s3-proxied://a"])
def test_moved_data_are_copied_before_with_a_client_of_the_store(place: str) -> None:
    (risk,) = risks([step("update", "Deployment", "mlflow", old=server(place), new=server("s3://b"))])
    assert risk.before == (
        "stop all writing to MLflow, copy the artifacts from bucket a to bucket b with an S3 client, such as rclone,"
        " and compare"
    )
    assert risk.kept == "they stay in bucket a, until somebody deletes them"


def test_what_served_the_moved_data_is_a_part_of_the_same_risk() -> None:
    parent = "urn:pulumi:dev::p::mlflow-platform:index:ObjectStore::object-store"
    moved = step("update", "Deployment", "mlflow", old=server("s3://a"), new=server("s3://b"))
    gone = step("delete", "StatefulSet", "object-store", old=claims("10Gi"), parent=parent)
    key = step("delete", "RandomPassword", "key", old={}, parent=parent)
    (risk,) = risks([moved, gone, key])
    served = "StatefulSet mlflow/object-store"
    assert risk.what.endswith(f"This plan also deletes {served} with its passwords and keys, which served them")
    assert risk.kept.startswith(f"the volume claims of {served} (10 GiB), until somebody deletes them. ")
    assert risk.back.startswith(f"take the change back and run `up`, which creates {served} again, with new passwords")
    assert risk.before.endswith(f"Do so before the `up`: it deletes {served}")
    assert risk.short.endswith(f"{served}, which serves them, is deleted")
    (without_keys,) = risks([moved, gone])
    assert "passwords" not in without_keys.what + without_keys.back
