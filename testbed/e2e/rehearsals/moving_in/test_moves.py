"""Real moves between MLflows on this machine; `test_moving_in.py` moves into the platform."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.adopt import environment

HERE = Path(__file__).parent
PODS = HERE / "pods"
SECONDS = 3600
Results = dict[str, Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results of all scenarios; they share databases, and the time to load MLflow."""
    folder = tmp_path_factory.mktemp("moves")
    python, search_path = environment.python()
    script = (HERE / "machine" / "scenarios.py", folder, PODS / "old_mlflow.py", PODS / "look.py")
    done = subprocess.run(
        [python, *script],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": search_path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def compared(report: Results, name: str) -> Results:
    """Counts of an experiment, which are the same on both sides."""
    (found,) = [one for one in report["compared"] if one["name"] == name]
    assert found["differences"] == []
    assert found["old"] == found["new"]
    return found["new"]["counts"]


def test_a_sqlite_file_has_the_same_afterwards(results: Results) -> None:
    report = results["whole"]["whole"]
    assert (report["failed"], report["complete"]) == ([], True)
    training = compared(report, "training")
    # 2500 steps and three single values of each of two runs; two values and the parameters of each logged model.
    assert training["runs"] == 3
    assert training["metrics"] == 2 * (2500 + 3 + 2)
    assert training["params"] == 2 * 2 * 123
    assert (training["models"], training["datasets"], training["links"]) == (2, 2, 2)
    files = compared(report, "files")
    assert (files["runs"], files["files"], files["bytes"]) == (3, 12, 3 * ((1 << 20) + 1 + 12 + 8))
    assert compared(report, "questions")["traces"] == 2
    registered = compared(report, "registered models")
    assert (registered["models"], registered["versions"], registered["links"]) == (3, 5, 2)


def test_the_source_is_untouched(results: Results) -> None:
    assert results["whole"]["untouched"] is True
    assert results["early"]["untouched"] is True
    assert results["files"]["untouched"] is True


def test_the_copies_refer_to_each_other_and_the_model_can_be_used(results: Results) -> None:
    assert results["whole"]["look"] == {
        "runs": ["rate 0.01", "rate 0.1", "sweep"],
        "twice": 0,
        "parent": True,
        "points": 2500,
        "datasets": ["data 0.1"],
        "prediction": 42.0,
        "version": 3,
        "prompt": "Good day {{name}}",
        "files": 3,
        "deep": ["deep/MLmodel", "deep/deeper"],
        "spans": ["inner", "outer"],
    }


def test_a_dry_run_counts_what_would_come(results: Results) -> None:
    found = results["whole"]["dry"]
    by_name = {one["experiment"]: one for one in found["experiments"]}
    assert set(by_name) == {"training", "files", "questions"}
    assert (by_name["files"]["runs"], by_name["files"]["files"]) == (3, 12)
    assert by_name["files"]["bytes"] == 3 * ((1 << 20) + 1 + 12 + 8)
    assert {one["model"]: one["versions"] for one in found["models"]} == {"doubler": 2, "from-files": 1, "greeting": 2}


def test_what_is_deleted_or_empty_is_left_out_and_named(results: Results) -> None:
    left_out = results["whole"]["whole"]["left_out"]
    assert "experiment gone: it is deleted; DELETED=1 moves it" in left_out
    assert "1 deleted runs of files; DELETED=1 moves them" in left_out
    assert "experiment Default: it is empty" in left_out


def test_what_is_deleted_can_be_moved_too(results: Results) -> None:
    report = results["chosen"]["deleted"]
    assert (report["failed"], report["complete"]) == ([], True)
    assert compared(report, "files")["runs"] == 4
    assert compared(report, "gone")["tags"] == 0


@pytest.mark.parametrize("which", ["reordered", "again"])
def test_a_further_run_writes_nothing_in_whichever_order_the_stores_answer(which: str, results: Results) -> None:
    report = results["whole"][which]
    assert report["complete"] is True
    assert report["moved"] == {}


def test_the_user_of_a_run_is_kept_as_a_tag_where_the_server_writes_the_callers_name(results: Results) -> None:
    assert len(results["whole"]["users"]) == 6
    assert all(results["whole"]["users"])


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_and_nothing_twice(results: Results) -> None:
    killed = results["killed"]
    assert killed["attempts"] > 5
    report = killed["report"]
    assert (report["failed"], report["complete"]) == ([], True)
    assert compared(report, "training") == compared(results["whole"]["whole"], "training")
    assert compared(report, "registered models") == compared(results["whole"]["whole"], "registered models")


def test_a_hash_that_differs_is_named_and_the_next_run_mends_it(results: Results) -> None:
    spoiled = results["whole"]["spoiled"]
    assert spoiled["complete"] is False
    (different,) = [one for one in spoiled["compared"] if one["differences"]]
    assert different["name"] == "files"
    assert different["old"]["counts"] == different["new"]["counts"]
    assert different["old"]["digests"]["files"] != different["new"]["digests"]["files"]
    (sentence,) = different["differences"]
    assert "files differ: SOURCE has ['deep/deeper/large.bin', 1048577, " in sentence
    assert results["whole"]["mended"]["complete"] is True


def test_a_copy_that_was_deleted_is_made_again(results: Results) -> None:
    again = results["chosen"]["deleted there"]
    assert (again["failed"], again["complete"]) == ([], True)
    assert again["moved"]["runs"] == 1


def test_an_experiment_that_was_moved_and_deleted_has_to_be_restored(results: Results) -> None:
    assert "  experiment files: it was moved, and then deleted" in results["chosen"]["gone there"]["refused"]


def test_names_that_are_taken_are_refused_before_anything_is_written(results: Results) -> None:
    refused = results["whole"]["taken"]["refused"]
    assert refused.startswith("nothing was written:\n")
    assert "  experiment training: the workspace has an experiment, moved from /" in refused
    assert "  registered model doubler: the workspace has one, moved from /" in refused
    assert results["whole"]["nothing written"] is True


def test_a_prefix_gives_everything_another_name(results: Results) -> None:
    report = results["whole"]["prefixed"]
    assert (report["failed"], report["complete"]) == ([], True)
    assert {one["name"] for one in report["compared"]} == {"old-training", "old-files", "registered models"}


def test_an_experiment_that_does_not_exist_is_named_with_those_that_do(results: Results) -> None:
    assert results["whole"]["unknown"]["refused"].startswith("EXPERIMENTS: there is no no such in SOURCE; it has ")


def test_some_experiments_bring_the_models_that_come_from_nothing_else(results: Results) -> None:
    report = results["chosen"]["one"]
    assert report["complete"] is True
    assert [one["name"] for one in report["compared"]] == ["files", "registered models"]
    assert compared(report, "registered models")["models"] == 1
    assert any(
        sentence.startswith("registered model doubler: its version 1 comes from experiment training, ")
        for sentence in report["left_out"]
    )
    assert "prompt greeting: no experiment that EXPERIMENTS names has it" in report["left_out"]


def test_missing_files_are_named_and_do_not_stop_the_rest(results: Results) -> None:
    report, model, runs = (results["chosen"][name] for name in ("lost", "lost model", "lost runs"))
    unreadable, unlisted = runs
    assert report["complete"] is False
    assert len(report["failed"]) == 3
    assert any(f"logged model {model}" in one and "there are no files at" in one for one in report["failed"])
    assert any(
        f"run {unreadable}, file empty.txt: FileNotFoundError: there is no file" in one for one in report["failed"]
    )
    assert any(f"run {unlisted}, its files at /" in one for one in report["failed"])
    (different,) = [one["differences"] for one in report["compared"] if one["name"] == "files"]
    assert len(different) == 2
    # Everything but the files is there.
    assert all("runs differ" not in sentence and "tags differ" not in sentence for sentence in different)
    assert compared(report, "questions")["traces"] == 2


def test_files_of_an_old_server_are_asked_for_before_anything_is_written(results: Results) -> None:
    assert "its files are at mlflow-artifacts:/1, served by the old server" in results["early"]["refused"]["refused"]


def test_a_folder_of_files_that_is_not_there_is_no_move_without_files(results: Results) -> None:
    assert "and this machine has no folder /" in results["early"]["nowhere"]["refused"]


def test_a_move_without_files_is_asked_for(results: Results) -> None:
    report = results["early"]["without"]
    assert (report["failed"], report["complete"]) == ([], True)
    assert "files: ARTIFACTS=none" in report["left_out"]
    assert compared(report, "early")["files"] == 0


def test_a_database_of_an_early_version_moves_with_stages_times_and_files(results: Results) -> None:
    early = results["early"]
    assert (early["moved"]["failed"], early["moved"]["complete"]) == ([], True)
    assert (early["stage"], early["source"], early["times"]) == ("Production", "/model", [1000, 2000])
    assert compared(early["moved"], "early")["files"] == 1


def test_a_folder_moves_and_gets_nothing_new(results: Results) -> None:
    report = results["files"]["moved"]
    assert (report["failed"], report["complete"]) == ([], True)
    plain = compared(report, "plain")
    assert (plain["runs"], plain["metrics"], plain["files"]) == (1, 10, 1)


def test_links_that_lead_out_of_the_old_mlflow_are_named_and_not_followed(results: Results) -> None:
    report = results["hostile"]["links"]
    assert report["complete"] is False
    for name in ("link.txt", "linked"):
        assert any(f"file {name}: PlaceError: its files are at " in one and "secret" in one for one in report["failed"])
    assert results["hostile"]["copied"] == ["honest.txt"]


@pytest.mark.parametrize(
    "which",
    ["run in a folder", "run in a bucket", "trace in a folder", "archived trace", "encoded folder", "run of a run"],
)
def test_locations_outside_the_old_mlflow_are_refused_before_anything_is_written(which: str, results: Results) -> None:
    refused = results["hostile"][which]["refused"]
    assert refused.startswith("nothing was written:\n  experiment traps, ")
    assert "name their place: ARTIFACTS=" in refused or "they are not read" in refused
    assert results["hostile"]["written"] == ["Default"]


def test_a_location_that_names_a_run_is_not_followed(results: Results) -> None:
    assert "its files are at runs:/" in results["hostile"]["behind a run"]


def test_a_link_among_the_metadata_of_a_folder_is_refused(results: Results) -> None:
    refused = results["hostile"]["linked metadata"]["refused"]
    assert "/params/password leads to /" in refused
    assert refused.endswith("/secret/key, outside: remove it")


def test_a_dry_run_says_where_files_are_read(results: Results) -> None:
    assert results["hostile"]["dry"]["places"].endswith("/hostile")


def test_another_mlflow_at_the_same_address_is_refused(results: Results) -> None:
    refused = results["hostile"]["another"]["refused"]
    assert "  experiment traps: it was moved from another MLflow that had the same address /" in refused
