import json

import pytest

from tools.adopt import references

RUN, MODEL, OTHER = "a" * 32, f"m-{'b' * 32}", "c" * 32
IDS = {RUN: "1" * 32, MODEL: f"m-{'2' * 32}"}
PLACES = {
    RUN: f"mlflow-artifacts:/workspaces/t/7/{IDS[RUN]}/artifacts",
    MODEL: f"mlflow-artifacts:/workspaces/t/7/models/{IDS[MODEL]}/artifacts",
}


def test_mlflows_own_tags_name_the_copies() -> None:
    history = json.dumps([{"run_id": RUN, "artifact_path": "model"}])
    old = {"mlflow.parentRunId": RUN, "mlflow.log-model.history": history}
    found = references.tags(old, IDS)
    assert found["mlflow.parentRunId"] == IDS[RUN]
    assert json.loads(found["mlflow.log-model.history"])[0]["run_id"] == IDS[RUN]


def test_peoples_own_tags_stay_as_they_are() -> None:
    assert references.tags({"see": RUN}, IDS) == {"see": RUN}


def test_an_id_of_what_is_not_moved_stays() -> None:
    assert references.tags({"mlflow.parentRunId": OTHER}, IDS) == {"mlflow.parentRunId": OTHER}


def test_a_longer_word_that_contains_an_id_is_no_id() -> None:
    assert references.replaced(f"{RUN}0 x{RUN}", IDS) == f"{RUN}0 x{RUN}"


def test_tags_of_an_earlier_move_are_not_copied() -> None:
    assert references.tags({references.ID: "1", references.COMPLETE: "true", "a": "b"}, IDS) == {"a": "b"}


def test_the_list_of_versions_that_mlflow_writes_itself_is_not_copied() -> None:
    assert references.tags({"mlflow.modelVersions": "[]", "a": "b"}, IDS) == {"a": "b"}


def test_tags_of_the_move_do_not_count() -> None:
    assert references.without_ours(
        {references.ID: "1", references.FROM: "x", references.COMPLETE: "true", "a": "b"}
    ) == {"a": "b"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"runs:/{RUN}/model", f"runs:/{IDS[RUN]}/model"),
        (f"models:/{MODEL}", f"models:/{IDS[MODEL]}"),
        (f"s3://bucket/1/{RUN}/artifacts/model", f"{PLACES[RUN]}/model"),
        (f"file:///home/alice/mlruns/0/{RUN}/artifacts", PLACES[RUN]),
        (f"/srv/1/models/{MODEL}/artifacts", PLACES[MODEL]),
        ("models:/other/3", "models:/old-other/3"),
        (f"s3://bucket/1/{OTHER}/artifacts/model", None),
        (f"runs:/{OTHER}/model", None),
        ("s3://somewhere/model", None),
    ],
)
def test_a_versions_source_is_where_its_files_are_now(old: str, new: str | None) -> None:
    assert references.source(old, IDS, PLACES, "old-") == new


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        (f"models:/{MODEL}", MODEL),
        (f"runs:/{RUN}/model", RUN),
        (f"s3://bucket/1/{RUN}/artifacts/model", RUN),
        (f"/srv/1/models/{MODEL}/artifacts", MODEL),
        ("models:/other/3", None),
        ("dummy-source", None),
    ],
)
def test_a_versions_files_belong_to_a_run_or_a_logged_model(source: str, owner: str | None) -> None:
    assert references.owner(source) == owner


def test_a_prompt_names_the_copies_of_the_experiments_that_use_it() -> None:
    old = {"_mlflow_experiment_ids": ",0,3,", "mlflow.prompt.is_prompt": "true"}
    assert references.registered_tags(old, {}, {"3": "17"}) == {
        "_mlflow_experiment_ids": ",17,",
        "mlflow.prompt.is_prompt": "true",
    }
    assert references.compared_tags(old) == {"mlflow.prompt.is_prompt": "true"}
    assert references.registered_tags(old, {}, {}) == {"mlflow.prompt.is_prompt": "true"}
