"""Moves on this machine in one process, with the MLflow client's packages: `scenarios.py FOLDER FILLER LOOK`.

Writes what came of each as JSON into results.json in FOLDER. The target is a plain MLflow on SQLite.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import runpy
import shutil
import sqlite3
import sys
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path

os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}

import mlflow
import sqlalchemy
from mlflow.entities import Metric, Param, RunTag
from mlflow.store.tracking.file_store import FileStore

from tools.adopt.client.compare import Comparison
from tools.adopt.client.content import Content
from tools.adopt.client.link import OtherSideError
from tools.adopt.client.move import Move
from tools.adopt.client.plan import RefusedError, plan, preview
from tools.adopt.client.sources import opened
from tools.adopt.origin import Locations, OriginError, parse
from tools.adopt.report import Report

# The schema of MLflow 2.9, before logged models, traces and workspaces.
EARLY = "acf3f17fdcc7"
TRACE = "mlflow.artifactLocation"
WRITES = ("create_", "log_", "set_", "update_", "finalize_", "start_", "transition_", "delete_")


class Killed(BaseException):
    """The process is gone."""


class Mortal:
    """A store or a content whose writes end after some of them: every second time only after it was written."""

    def __init__(self, of, budget):
        self._of, self._budget = of, budget

    def __getattr__(self, name):
        found = getattr(self._of, name)
        if name in {"tracking", "registry"}:
            return Mortal(found, self._budget)
        if not (name.startswith(WRITES) or name == "upload"):
            return found

        def write(*given, **named):
            self._budget[0] -= 1
            if self._budget[0] < 0 or (self._budget[0] == 0 and self._budget[1] % 2):
                raise Killed
            answer = found(*given, **named)
            if self._budget[0] == 0:
                raise Killed
            return answer

        return write


class Other:
    """A content whose errors arrive as those of the other process."""

    def __init__(self, of):
        self._of = of

    def __getattr__(self, name):
        def ask(*given):
            try:
                return getattr(self._of, name)(*given)
            except Exception as error:
                raise OtherSideError(f"{type(error).__name__}: {error}") from error

        return ask


class World:
    """A folder with databases of the present schema."""

    def __init__(self, folder):
        self.folder = folder
        self.template = folder / "template.db"
        Content(f"sqlite:///{self.template}")

    def database(self, name):
        """An empty MLflow; returns its address."""
        target = self.folder / name / "mlflow.db"
        target.parent.mkdir()
        shutil.copy(self.template, target)
        return f"sqlite:///{target}"

    def move(self, source, target, *, budget=None, dry=False, **chosen):
        """Move as the command does; returns its report or refusal."""
        options = {"experiments": [], "prefix": "", "deleted": False, "artifacts": []} | chosen
        origin = parse(str(source), self.folder)
        options |= {"origin": origin.name, "target": "here"}
        with tempfile.TemporaryDirectory() as folder:
            options["folder"] = folder
            try:
                old = Other(opened(origin, Locations.parse(options["artifacts"]), Path(folder)))
                # A new experiment's files are in the working directory.
                os.chdir(Path(target.removeprefix("sqlite:///")).parent)
                # MLflow's stores resolve the sources of versions there.
                mlflow.set_tracking_uri(target)
                new = Mortal(Content(target), budget) if budget else Content(target)
                made = plan(old, new, options)
                if dry:
                    return preview(made, old, options)
                report = Report(source=origin.name, target="here", left_out=made.left_out)
                move = Move(old, new, made, options, report)
                move.everything()
                Comparison(move).everything()
            except (RefusedError, OriginError) as error:
                return {"refused": str(error)}
        return {**asdict(report), "complete": report.complete}

    def look(self, script, target):
        """Print of the script that looks at what was moved."""
        mlflow.set_tracking_uri(target)
        return json.loads(_printed(script, "", "").splitlines()[-1])


def _printed(script, *arguments):
    said = io.StringIO()
    before, sys.argv = sys.argv, [str(script), *arguments]
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = before
    return said.getvalue()


def hashes(folder):
    """SHA-256 of every file in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def whole(world, filler, look):
    """A SQLite file with everything, moved twice, spoiled and mended; and other names."""
    old = world.database("old")
    folder = world.folder / "old"
    (world.folder / "scratch").mkdir()
    ids = json.loads(
        _printed(filler, old, str(folder / "artifacts"), str(world.folder / "scratch"), "").splitlines()[-1]
    )
    before = hashes(folder)
    source, target = folder / "mlflow.db", world.database("new")
    results = {"ids": ids, "dry": world.move(source, target, dry=True)}
    results["whole"] = world.move(source, target)
    results["untouched"] = hashes(folder) == before
    # As the platform does: the user of a run is the caller, whatever the request says.
    with contextlib.closing(sqlite3.connect(world.folder / "new" / "mlflow.db")) as written, written:
        written.execute("UPDATE runs SET user_id = 'system:serviceaccount:team-a:mlflow-client'")
        results["users"] = [row[0] for row in written.execute("SELECT value FROM tags WHERE key = 'adopted.user'")]
    # PostgreSQL gives the points of a metric in another order than SQLite.
    in_order = Content.history
    Content.history = lambda side, *of: in_order(side, *of)[:: -1 if side.uri == target else 1]
    results["reordered"] = world.move(source, target)
    Content.history = in_order
    results["again"] = world.move(source, target)
    spoiled = next((world.folder / "new").rglob("large.bin"))
    content = spoiled.read_bytes()
    spoiled.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    results["spoiled"] = world.move(source, target)
    results["mended"] = world.move(source, target)
    other = world.folder / "other.db"
    shutil.copy(source, other)
    seen = hashes(world.folder / "new")
    results["taken"] = world.move(other, target, experiments=["training", "files"])
    results["nothing written"] = hashes(world.folder / "new") == seen
    results["prefixed"] = world.move(other, target, experiments=["training", "files"], prefix="old-")
    results["unknown"] = world.move(other, target, experiments=["no such"])
    # Last, because loading a model from a folder writes a file into it.
    results["look"] = world.look(look, target)
    return results


def killed(world):
    """Interrupted after ever more writes, until one run comes to its end."""
    source, target = world.folder / "old" / "mlflow.db", world.database("killed")
    for attempt in range(40):
        try:
            report = world.move(source, target, budget=[attempt * attempt + 1, attempt])
        except Killed:
            continue
        return {"attempts": attempt, "report": report}
    return {}


def chosen(world):
    """Deleted things too; one experiment only; files that are gone."""
    source = world.folder / "old" / "mlflow.db"
    results = {"deleted": world.move(source, world.database("with-deleted"), deleted=True)}
    elsewhere = world.folder / "elsewhere"
    shutil.copytree(world.folder / "old" / "artifacts", elsewhere)
    model = next((elsewhere / "training" / "models").iterdir())
    shutil.rmtree(model)
    with contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old:
        active = {row[0] for row in old.execute("SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'")}
    # Files of deleted runs are there too, and nobody asks for them.
    unreadable, unlisted, *_ = sorted(
        file for file in elsewhere.rglob("empty.txt") if file.parent.parent.name in active
    )
    for file in (unreadable, unlisted):
        file.unlink()
    # One that is listed and is no file, and one that the listing itself fails for.
    os.mkfifo(unreadable)
    unlisted.symlink_to(elsewhere / "no such file")
    moved = [f"{world.folder / 'old' / 'artifacts'}={elsewhere}"]
    results["lost"] = world.move(source, world.database("lost"), artifacts=moved)
    results["lost model"] = model.name
    results["lost runs"] = [file.parent.parent.name for file in (unreadable, unlisted)]
    target = world.database("one")
    results["one"] = world.move(source, target, experiments=["files"])
    client = mlflow.MlflowClient(target)
    experiment = client.get_experiment_by_name("files").experiment_id
    # Not the run that a registered model comes from, which is the first.
    client.delete_run(client.search_runs([experiment], order_by=["attributes.start_time DESC"])[0].info.run_id)
    results["deleted there"] = world.move(source, target, experiments=["files"])
    client.delete_experiment(experiment)
    results["gone there"] = world.move(source, target, experiments=["files"])
    return results


def early(world):
    """A database of MLflow 2.9, whose server had the files."""
    from alembic import command
    from mlflow.store.db.utils import InitialBase, _get_alembic_config

    file = world.folder / "early" / "mlflow.db"
    files = world.folder / "early" / "mlartifacts"
    run = "0123456789abcdef" * 2
    (files / "1" / run / "artifacts" / "model").mkdir(parents=True)
    (files / "1" / run / "artifacts" / "model" / "MLmodel").write_text("flavors: {}", encoding="utf-8")
    InitialBase.metadata.create_all(sqlalchemy.create_engine(f"sqlite:///{file}"))
    command.upgrade(_get_alembic_config(f"sqlite:///{file}"), EARLY)
    with contextlib.closing(sqlite3.connect(file)) as database:
        location = "mlflow-artifacts:/1"
        rows = {
            "experiments(experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)": (
                (1, "early", location, "active", 1, 1),
            ),
            "runs(run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, "
            "experiment_id)": (
                (run, "", "LOCAL", "carol", "FINISHED", 1000, 2000, "active", f"{location}/{run}/artifacts", 1),
            ),
            "params(key, value, run_uuid)": (("depth", "3", run),),
            "metrics(key, value, timestamp, run_uuid, step, is_nan)": (("auc", 0.5, 1500, run, 1, 0),),
            "latest_metrics(key, value, timestamp, run_uuid, step, is_nan)": (("auc", 0.5, 1500, run, 1, 0),),
            "registered_models(name, creation_time, last_updated_time)": (("forest", 1, 1),),
            "model_versions(name, version, creation_time, last_updated_time, source, run_id, status, current_stage)": (
                ("forest", 1, 1, 1, f"{location}/{run}/artifacts/model", run, "READY", "Production"),
            ),
        }
        for table, some in rows.items():
            for row in some:
                database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
        database.commit()
    before, target = hashes(file.parent), world.database("late")
    refused = world.move(file, target)
    nowhere = world.move(file, target, artifacts=[str(files / "no" / "such")])
    without = world.move(file, world.database("without-files"), artifacts=["none"])
    moved = world.move(file, target, artifacts=[str(files)])
    client = mlflow.MlflowClient(target)
    version = client.get_model_version("forest", "1")
    here = client.get_run(version.run_id)
    return {
        "refused": refused,
        "nowhere": nowhere,
        "without": without,
        "moved": moved,
        "untouched": hashes(file.parent) == before,
        "stage": version.current_stage,
        "source": version.source.removeprefix(here.info.artifact_uri),
        "times": [here.info.start_time, here.info.end_time],
    }


def files(world):
    """A folder of an early MLflow, without a database."""
    root = world.folder / "files" / "mlruns"
    store = FileStore(str(root))
    experiment = store.create_experiment("plain")
    run = store.create_run(experiment, "erin", 5, [RunTag("kind", "plain")], "first")
    store.log_batch(
        run.info.run_id, [Metric("m", float(step), step, step) for step in range(10)], [Param("a", "b")], []
    )
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    artifacts.mkdir(parents=True, exist_ok=True)
    (artifacts / "note.txt").write_text("plain", encoding="utf-8")
    shutil.rmtree(root / ".trash")
    before = hashes(root)
    moved = world.move(root, world.database("from-files"))
    return {"moved": moved, "untouched": hashes(root) == before and not (root / ".trash").exists()}


def hostile(world):
    """An MLflow whose locations and links lead to places that whoever wrote to it had no right to."""
    secret = world.folder / "secret"
    secret.mkdir()
    (secret / "key").write_text("the operator's key", encoding="utf-8")
    uri = world.database("hostile")
    folder = world.folder / "hostile"
    client = mlflow.MlflowClient(uri)
    experiment = client.create_experiment("traps", artifact_location=str(folder / "files"))
    run = client.create_run(experiment)
    files = Path(run.info.artifact_uri)
    files.mkdir(parents=True)
    (files / "honest.txt").write_text("honest", encoding="utf-8")
    (files / "link.txt").symlink_to(secret / "key")
    (files / "linked").symlink_to(secret)
    target, source = world.database("trapped"), folder / "mlflow.db"
    results = {"links": world.move(source, target)}
    there = mlflow.MlflowClient(target)
    copies = there.search_runs([there.get_experiment_by_name("traps").experiment_id])
    results["copied"] = [one.path for copy in copies for one in there.list_artifacts(copy.info.run_id)]
    # From here on nothing may be written.
    target = world.database("trapped-2")
    trace = 'INSERT INTO trace_info(request_id, experiment_id, timestamp_ms, status) VALUES (?, ?, 1, "OK")'
    tag = "INSERT INTO trace_tags(key, value, request_id) VALUES (?, ?, 'tr-1')"
    away = "UPDATE runs SET artifact_uri = ?"
    for name, statements in {
        "run in a folder": [(away, (str(secret),))],
        "run in a bucket": [(away, ("s3://somebody-elses/1",))],
        "trace in a folder": [(away, (str(files),)), (trace, ("tr-1", experiment)), (tag, (TRACE, str(secret)))],
        "archived trace": [("UPDATE trace_tags SET key = ?", ("mlflow.trace.archiveLocation",))],
        "encoded folder": [("DELETE FROM trace_tags", ()), (away, (f"{folder}/%2e%2e/secret",))],
        "run of a run": [(away, (f"runs:/{run.info.run_id}/x",))],
    }.items():
        _execute(source, statements)
        results[name] = world.move(source, target, dry=name.startswith("run"))
    results["written"] = [one.name for one in mlflow.MlflowClient(target).search_experiments()]
    _execute(source, [("DELETE FROM trace_tags", ()), ("DELETE FROM trace_info", ()), (away, (str(secret),))])
    with tempfile.TemporaryDirectory() as scratch:
        old = opened(parse(str(source), world.folder), Locations(), Path(scratch))
        try:
            results["behind a run"] = old.files(f"runs:/{run.info.run_id}/")
        except ValueError as error:
            results["behind a run"] = str(error)
    _execute(source, [(away, (str(files),))])
    results["dry"] = world.move(source, target, dry=True)
    folder_of_links = world.folder / "links" / "mlruns"
    store = FileStore(str(folder_of_links))
    linked = store.create_run(store.create_experiment("linked"), "eve", 5, [], "first")
    parameters = folder_of_links / linked.info.experiment_id / linked.info.run_id / "params"
    (parameters / "password").symlink_to(secret / "key")
    results["linked metadata"] = world.move(folder_of_links, target)
    # Another MLflow at the same address: its experiment has the same ID.
    world.move(source, target)
    _execute(source, [("UPDATE experiments SET creation_time = creation_time + 1", ())])
    results["another"] = world.move(source, target)
    return results


def _execute(file, statements):
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        for statement, values in statements:
            database.execute(statement, values)


def main():
    """Play all of them."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    folder, filler, look = (Path(given).resolve() for given in sys.argv[1:])
    world = World(folder)
    results = {}
    for name, play in (
        ("whole", lambda: whole(world, filler, look)),
        ("early", lambda: early(world)),
        ("files", lambda: files(world)),
        ("chosen", lambda: chosen(world)),
        ("hostile", lambda: hostile(world)),
        ("killed", lambda: killed(world)),
    ):
        results[name] = play()
        (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
