"""The script `tools/drift`, with a `pulumi` and a `kubectl` that answer from files and record their calls."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.tools.copies import REAL_PYTHON, RECORDER, Copy
from tests.tools.drifted.parts import Object, live, refresh, resource, state, written
from tests.tools.github import serving
from tests.tools.plan.parts import stream

PULUMI = f"""{RECORDER}case "$1" in
stack) cat state.json ;;
refresh) cat refresh.json; [ ! -e broken ] ;;
preview) echo "$PULUMI_K8S_ENABLE_PATCH_FORCE" > takes-back; cat preview.json ;;
esac
"""
KUBECTL = (
    f'{RECORDER}cat > asked.json\n[ -e live.json ] || {{ echo "the server is away" >&2; exit 1; }}\ncat live.json\n'
)
SETTINGS, SERVICE = resource("ConfigMap", "settings", data={"key": "one"}), resource("Service", "server")
BY_HAND = written("kubectl-edit", {"f:data": {"f:key": {}}})
CHANGED = live(SETTINGS, BY_HAND, ours={}, data={"key": "two"})
REPLACED: Object = {"resourcePreEvent": {"metadata": {"op": "replace", "urn": SETTINGS["urn"]}}}
RECREATED: Object = {"resourcePreEvent": {"metadata": {"op": "create", "urn": SERVICE["urn"]}}}


class Cluster:
    """A folder with the script, and the answers of Pulumi and the cluster."""

    def __init__(self, folder: Path) -> None:
        self.copy = Copy(folder)
        self.copy.program(".venv/bin/python", f"#!/bin/sh\n{REAL_PYTHON}\n")
        self.copy.program(".venv/bin/pulumi", PULUMI)
        self.copy.program(".venv/bin/kubectl", KUBECTL)
        self.write("state.json", json.dumps(state(SETTINGS, SERVICE)))
        self.write("refresh.json", refresh(("same", SETTINGS), ("same", SERVICE)))
        self.write("preview.json", stream(REPLACED, RECREATED, {"summaryEvent": {}}))
        self.has(live(SETTINGS), live(SERVICE))

    def write(self, name: str, text: str) -> None:
        """Write a file that a program answers with."""
        (self.copy.folder / name).write_text(text, encoding="utf-8")

    def has(self, *objects: Object) -> None:
        """Let the cluster have these objects."""
        self.write("live.json", json.dumps({"kind": "List", "items": objects}) if objects else "")

    def drift(self, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return self.copy.run("drift", "dev", **env)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_without_drift_nothing_is_previewed_and_everything_was_only_read(cluster: Cluster) -> None:
    done = cluster.drift()
    assert (done.returncode, done.stdout) == (0, "dev: nothing differs between the cluster and the stack\n")
    assert cluster.copy.calls == [
        "pulumi stack export --stack dev",
        "kubectl get --filename=- --ignore-not-found --show-managed-fields --output=json",
        "pulumi refresh --stack dev --preview-only --json --non-interactive",
    ]
    asked = json.loads((cluster.copy.folder / "asked.json").read_text(encoding="utf-8"))
    assert asked["items"][0] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "mlflow"},
    }


def test_drift_is_told_with_field_values_manager_and_what_up_would_do(cluster: Cluster) -> None:
    cluster.has(CHANGED)
    cluster.write("refresh.json", refresh(("update", SETTINGS), ("delete", SERVICE)))
    done = cluster.drift()
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "dev: 2 differences between the cluster and the stack",
        "",
        "ConfigMap mlflow/settings: data.key",
        "  in the stack: one",
        "  in the cluster: two",
        "  written by: kubectl-edit (Update, 2026-11-02T10:00:00Z)",
        "  `up` leaves it, and with REFRESH=yes replaces the object",
        "",
        "Service mlflow/server is gone",
        "  `up` leaves it, and with REFRESH=yes creates it again",
    ]


def test_the_preview_takes_fields_of_others_back_as_up_with_refresh_does(cluster: Cluster) -> None:
    cluster.has(CHANGED, live(SERVICE))
    cluster.drift()
    assert (cluster.copy.folder / "takes-back").read_text(encoding="utf-8") == "true\n"


def test_json_has_the_same(cluster: Cluster) -> None:
    cluster.has(CHANGED, live(SERVICE))
    done = cluster.drift(JSON="1")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    (one,) = document["differences"]
    assert (document["version"], document["stack"]) == (1, "dev")
    assert (one["object"], one["field"], one["stack"], one["cluster"]) == (
        "ConfigMap mlflow/settings",
        "data.key",
        "one",
        "two",
    )
    assert [by["name"] for by in one["by"]] == ["kubectl-edit"]


def test_what_no_up_would_mend_and_what_it_would_fail_at_is_told(cluster: Cluster) -> None:
    cluster.has(CHANGED, live(SERVICE))
    cluster.write("preview.json", stream({"summaryEvent": {}}))
    assert "  `up` leaves it, even with REFRESH=yes" in cluster.drift().stdout
    error = {"severity": "error", "urn": SETTINGS["urn"], "message": "conflict with kubectl-edit"}
    cluster.write("preview.json", stream({"diagnosticEvent": error}))
    assert "with REFRESH=yes fails: conflict with kubectl-edit" in cluster.drift().stdout


def test_a_cluster_that_does_not_answer_is_not_one_without_drift(cluster: Cluster) -> None:
    (cluster.copy.folder / "live.json").unlink()
    done = cluster.drift()
    assert (done.returncode, done.stdout) == (2, "")
    assert "the server is away" in done.stderr


def test_an_engine_that_could_not_look_is_not_one_that_found_nothing(cluster: Cluster) -> None:
    cluster.write("refresh.json", stream({"diagnosticEvent": {"severity": "error", "message": "wrong passphrase"}}))
    (cluster.copy.folder / "broken").touch()
    done = cluster.drift()
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "wrong passphrase\n")


def test_the_issue_is_kept_up_to_date_on_request(cluster: Cluster) -> None:
    cluster.has(CHANGED, live(SERVICE))
    with serving("ours") as github:
        given = {"GITHUB_TOKEN": "ours", "GITHUB_REPOSITORY": "example/platform", "GITHUB_API_URL": github.url}
        assert cluster.drift(ISSUE="yes", **given).returncode == 1
        assert [issue["state"] for issue in github.issues] == ["open"]
        cluster.has(live(SETTINGS), live(SERVICE))
        assert cluster.drift(ISSUE="yes", **given).returncode == 0
        assert [issue["state"] for issue in github.issues] == ["closed"]
    assert cluster.drift(ISSUE="yes").returncode == 2


def test_a_kubeconfig_is_in_a_file_of_its_owner_for_as_long_as_a_command_runs(cluster: Cluster) -> None:
    look = 'cat "$KUBECONFIG"; stat -c " %a %n" "$KUBECONFIG"; echo "${CONTENTS:-gone}"; exit 3'
    done = cluster.copy.run("with-kubeconfig", "sh", "-c", look, CONTENTS="apiVersion: v1")
    assert done.returncode == 3
    text, mode, file, contents = done.stdout.split()[1:5]
    assert (text, mode, contents) == ("v1", "600", "gone")
    assert not Path(file).exists()
