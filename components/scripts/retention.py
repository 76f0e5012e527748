"""Delete for good what teams have deleted long ago, delete old traces, and move spans of old traces to the store.

Runs in a pod with the server's image, its database role and its artifact store. `RETENTION` has the days by workspace,
for example `{"team-a": {"deleted_days": 30, "trace_days": null, "archive_days": 14}}`; with `DRY=1` nothing is changed.
Each object's files are deleted before its row, so whatever was interrupted is done by the next run. A run, a logged
model or an experiment that a version of a registered model comes from is kept: `mlflow gc` would break that version.
"""

import json
import logging
import os
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta

DAY_MILLISECONDS = 24 * 60 * 60 * 1000
# Longer than the server gives a request: deleting a run with millions of metrics is one statement.
STATEMENT_SECONDS = 600
TRACES_AT_ONCE = 500
# Folder of an experiment with the files of its traces (TRACE_FOLDER_NAME of MLflow's tracking store).
TRACES = "traces"
# An upload that nobody has finished after this time is abandoned; the longest one that the server admits takes hours.
UPLOAD_DAYS = 7
# The only workspace of a server without workspaces.
SINGLE = "default"
# How many names of each kind the report has.
NAMED = 5


class Report:
    """Counts of one workspace by what was done, with the first names, and what failed."""

    def __init__(self, workspace, *, dry):
        self.workspace = workspace
        self.dry = dry
        self.done = {}
        self.failed = []

    def add(self, what, name, count=1):
        """Count objects; `name` is that of the object, or of the experiment that all of them belong to."""
        entry = self.done.setdefault(what, {"count": 0, "first": []})
        entry["count"] += count
        if len(entry["first"]) < NAMED and name not in entry["first"]:
            entry["first"].append(name)

    def failure(self, what, name, error):
        """Note that the deletion of an object failed."""
        # In the report the class alone: messages of drivers and stores can contain addresses. The log has all of it.
        traceback.print_exception(error)
        self.failed.append(f"{what} {name}: {type(error).__name__}")

    def line(self):
        """The report as a line of JSON."""
        return json.dumps(
            {"log": "retention", "workspace": self.workspace, "dry": self.dry, "done": self.done, "failed": self.failed}
        )


class Keeper:
    """Applies the days of one workspace."""

    def __init__(self, *, store, registry, files, now, report):
        self.store = store
        self.registry = registry
        self.files = files
        self.now = now
        self.report = report

    def before(self, days):
        """The time `days` ago, in milliseconds."""
        return self.now - days * DAY_MILLISECONDS

    def each(self, what, objects, delete):
        """Delete objects one by one; a failure does not stop the others."""
        for one in objects:
            name = one["name"]
            if not self.report.dry:
                try:
                    delete(one)
                except Exception as error:
                    self.report.failure(what, name, error)
                    continue
            self.report.add(what, name)

    def keep_used(self, objects):
        """The objects that no version of a registered model comes from."""
        used = self.registry.used()
        free = []
        for one in objects:
            if used.isdisjoint(one["ids"]):
                free.append(one)
            else:
                self.report.add("kept for a registered model", one["name"])
        return free

    def delete_deleted(self, days):
        """Delete runs, logged models and experiments for good that were deleted `days` ago or earlier."""
        before = self.before(days)
        self.each("deleted runs", self.keep_used(self.store.runs(before)), self.delete_run)
        self.each("deleted logged models", self.keep_used(self.store.models(before)), self.delete_model)
        self.each("deleted experiments", self.keep_used(self.store.experiments(before)), self.delete_experiment)

    def delete_files(self, uri, owner):
        """Delete an object's folder, unless it is not the object's own: its path then lacks the object's ID."""
        if str(owner) in uri.split("/"):
            self.files.delete(uri)

    def delete_run(self, run):
        # Whoever has brought it back since it was listed wants to keep it.
        if self.store.is_deleted(run["name"]):
            self.delete_files(run["uri"], run["name"])
            self.store.delete_run(run["name"])

    def delete_model(self, model):
        self.delete_files(model["uri"], model["name"])
        self.store.delete_model(model["name"])

    def delete_experiment(self, experiment):
        if self.store.is_deleted_experiment(experiment["id"]):
            self.delete_files(experiment["uri"], experiment["id"])
            self.store.delete_experiment(experiment["id"])

    def delete_traces(self, days):
        """Delete traces that began `days` ago or earlier."""
        before = self.before(days)
        for experiment in self.store.all_experiments():
            # Few traces have files; one listing of folders costs less than a question for each trace.
            folders = self.files.folders(experiment["uri"], TRACES)
            while names := self.store.traces(experiment["id"], before, TRACES_AT_ONCE):
                if self.report.dry:
                    self.report.add("old traces", experiment["name"], self.store.count_traces(experiment["id"], before))
                    break
                try:
                    for name in folders.intersection(names):
                        self.files.delete(f"{experiment['uri']}/{TRACES}/{name}")
                    self.store.delete_traces(experiment["id"], names)
                except Exception as error:
                    self.report.failure("traces of experiment", experiment["id"], error)
                    break
                left = self.store.left(names)
                self.report.add("old traces", experiment["name"], len(names) - len(left))
                self.report.failed.extend(f"trace {name}: its archived spans cannot be deleted" for name in left)
                # MLflow leaves traces whose archived spans it cannot delete; they would be found again and again.
                if left:
                    break

    def archive_traces(self, days):
        """Move the spans of traces that began `days` ago or earlier from the database to the store."""
        if self.report.dry:
            return
        try:
            archived = self.store.archive(days)
        except Exception as error:
            self.report.failure("archive", "traces", error)
            return
        if archived:
            self.report.add("archived traces", self.report.workspace, archived)

    def abort_uploads(self):
        """Abort uploads of several parts that were begun long ago and never finished."""
        begun = datetime.fromtimestamp(self.now / 1000, UTC) - timedelta(days=UPLOAD_DAYS)
        self.each("abandoned uploads", self.files.uploads(begun), self.files.abort)

    def apply(self, days):
        """Do everything that the days of this workspace ask for."""
        if days["deleted_days"] is not None:
            self.delete_deleted(days["deleted_days"])
        if days["trace_days"] is not None:
            self.delete_traces(days["trace_days"])
        if days["archive_days"] is not None:
            self.archive_traces(days["archive_days"])
        self.abort_uploads()


def main():
    """Apply the retention of every workspace; the exit code is 1 if something failed."""
    # Only here: the rest is tested without MLflow.
    from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories
    from mlflow_platform_server import artifact_reach, database_scope, own_repositories, scope
    from mlflow_platform_server.s3_artifacts import ProxiedS3ArtifactRepository
    from mlflow_platform_server.volume_artifacts import ConfinedFileArtifactRepository
    from retention_stores import Artifacts, Registry, Tracking, refused

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    destination = os.environ["ARTIFACTS"]
    multi_tenant = os.environ.get("SINGLE_WORKSPACE") is None
    database_scope.install(STATEMENT_SECONDS)
    # As in the server: clients can write any URI as the place of their files.
    own = (ProxiedS3ArtifactRepository, ConfinedFileArtifactRepository)
    own_repositories.keep(get_registered_artifact_repositories(), own, refused)
    artifact_reach.confine(destination, multi_tenant=multi_tenant)
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    failed = 0
    for team, days in json.loads(os.environ["RETENTION"]).items():
        workspace = team if multi_tenant else SINGLE
        report = Report(team, dry=os.environ.get("DRY") == "1")
        with scope.background("retention", workspace):
            try:
                store = Tracking(uri, destination, workspace, multi_tenant=multi_tenant)
                keeper = Keeper(
                    store=store,
                    registry=Registry(store),
                    files=Artifacts(destination, workspace if multi_tenant else None),
                    now=int(time.time() * 1000),
                    report=report,
                )
                keeper.apply(days)
            except Exception as error:
                report.failure("workspace", team, error)
        print(report.line(), flush=True)
        failed += len(report.failed)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
