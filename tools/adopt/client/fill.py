"""Fills runs, logged models and traces that are not complete, a few at a time."""

import shutil
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from mlflow.entities import (
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    Trace,
    TraceLocation,
)

from tools.adopt import references
from tools.adopt.client.content import SPANS_LOCATION, TRACE_LOCATION, ready
from tools.adopt.client.link import OtherSideError
from tools.adopt.origin import NONE
from tools.adopt.progress import Progress
from tools.adopt.references import AGAIN, COMPLETE, YES

THREADS = 4
# The most that a request to log may have.
METRICS, PARAMS, TAGS = 1000, 100, 100
SPARE = 64 << 20
EXTERNAL = "mlflow.model.isExternal"
TRACE_TAGS_OF_MLFLOW = frozenset({TRACE_LOCATION, SPANS_LOCATION})


def batches(items, size):
    """Lists of at most `size` items."""
    items = list(items)
    return [items[start : start + size] for start in range(0, len(items), size)]


def trace_tags(old, ids):
    """Tags of a trace's copy."""
    return references.tags({key: value for key, value in old.items() if key not in TRACE_TAGS_OF_MLFLOW}, ids)


class Filling:
    """Writes the content of the runs, logged models and traces that a move has created."""

    def __init__(self, move):
        self.move = move
        self.source, self.target, self.ids = move.source, move.target, move.ids

    def everything(self):
        """Fill what is not complete."""
        work = []
        # A run of any experiment may have evaluated a model.
        metrics = defaultdict(list)
        for model in self.move.old_models.values():
            for metric in model.metrics or ():
                metrics[metric.run_id].append(metric)
        for planned in self.move.made.experiments:
            for old_id, new in self.move.models[planned.old.experiment_id].items():
                if new.tags.get(COMPLETE) != YES:
                    work.append((f"logged model {old_id} of {planned.name}", self._fill_model, old_id, new))
            for row in planned.runs:
                if self.move.rows[row.id].ours.get(COMPLETE) != YES:
                    what = f"run {row.id} of {planned.name}"
                    work.append((what, self._fill_run, row, metrics.get(row.id, [])))
                else:
                    self.move.locations[row.id] = None
            there = {one.trace_id: one for one in self.target.traces(planned.there.experiment_id)}
            for info in self.source.traces(planned.old.experiment_id):
                if info.trace_id not in there or there[info.trace_id].tags.get(COMPLETE) != YES:
                    what = f"trace {info.trace_id} of {planned.name}"
                    work.append((what, self._fill_trace, planned, info))
        self._work(work)

    def _work(self, work):
        progress = Progress("runs, models and traces, filled", len(work))
        with ThreadPoolExecutor(THREADS) as pool:
            running = {pool.submit(fill, *arguments): what for what, fill, *arguments in work}
            try:
                for done in as_completed(running):
                    error = done.exception()
                    if error is not None and not isinstance(error, Exception):
                        raise error
                    if error is not None:
                        self.move.fail(running[done], error)
                    progress.step()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fill_run(self, row, model_metrics):
        old, new_id = self.source.run(row.id), self.ids[row.id]
        new = self.target.run(new_id)
        self.move.locations[row.id] = new.info.artifact_uri
        store = self.target.tracking
        for some in batches((Param(key, value) for key, value in old.data.params.items()), PARAMS):
            store.log_batch(new_id, [], some, [])
        for some in batches(self._points(old, model_metrics), METRICS):
            store.log_batch(new_id, some, [], [])
        tags = references.tags(old.data.tags, self.ids)
        for some in batches((RunTag(key, value) for key, value in tags.items()), TAGS):
            store.log_batch(new_id, [], [], some)
        self._link(old, new)
        again = new.data.tags.get(COMPLETE) == AGAIN
        whole = self._copy(f"run {row.id}", old.info.artifact_uri, new.info.artifact_uri, again=again)
        status = RunStatus.from_string(old.info.status)
        store.update_run_info(new_id, status, old.info.end_time, row.name or None)
        if whole:
            store.set_tag(new_id, RunTag(COMPLETE, YES))
        self.move.counts["runs filled"] += 1

    def _points(self, old, model_metrics):
        """Every value of every metric. Those of a logged model also name it and its dataset."""
        of_models = defaultdict(list)
        for one in model_metrics:
            of_models[(one.key, one.value, one.timestamp, one.step)].append(one)
        for key in old.data.metrics:
            for value, timestamp, step in self.source.history(old.info.run_id, key):
                for one in of_models.pop((key, value, timestamp, step), [None]):
                    yield self._point(key, value, timestamp, step, one)
        for (key, value, timestamp, step), some in of_models.items():
            for one in some:
                yield self._point(key, value, timestamp, step, one)

    def _point(self, key, value, timestamp, step, of_model):
        if of_model is None:
            return Metric(key, value, timestamp, step)
        return Metric(
            key, value, timestamp, step,
            model_id=self.ids[of_model.model_id],
            dataset_name=of_model.dataset_name,
            dataset_digest=of_model.dataset_digest,
        )  # fmt: skip

    def _link(self, old, new):
        """Link a run with its datasets and logged models."""
        models = [one.model_id for one in (old.inputs.model_inputs or ())] if old.inputs else []
        inputs = [LoggedModelInput(self.ids[one]) for one in models if one in self.ids]
        datasets = list(old.inputs.dataset_inputs) if old.inputs else []
        if datasets or inputs:
            self.target.tracking.log_inputs(new.info.run_id, datasets, inputs)
        there = {one.model_id for one in new.outputs.model_outputs} if new.outputs else set()
        outputs = [
            LoggedModelOutput(self.ids[one.model_id], one.step)
            for one in (old.outputs.model_outputs if old.outputs else ())
            if one.model_id in self.ids and self.ids[one.model_id] not in there
        ]
        if outputs:
            self.target.tracking.log_outputs(new.info.run_id, outputs)

    def _fill_model(self, old_id, new):
        old = self.move.old_models[old_id]
        again = new.tags.get(COMPLETE) == AGAIN
        whole = self._copy(f"logged model {old_id}", old.artifact_location, new.artifact_location, again=again)
        expected = ready(old) and not old.tags.get(EXTERNAL) and NONE not in self.move.options["artifacts"]
        if whole and expected and not self.source.files(old.artifact_location):
            self.move.fail(
                f"logged model {old_id}", FileNotFoundError(f"there are no files at {old.artifact_location}")
            )
            return
        if old.status != LoggedModelStatus.PENDING and new.status == LoggedModelStatus.PENDING:
            self.target.tracking.finalize_logged_model(new.model_id, old.status)
        if whole:
            self.target.tracking.set_logged_model_tags(new.model_id, [LoggedModelTag(COMPLETE, YES)])

    def _fill_trace(self, planned, info):
        trace = Trace.from_json(self.source.trace(info.trace_id))
        new_id = planned.there.experiment_id
        moved = trace.info
        moved.trace_location = TraceLocation.from_experiment_id(new_id)
        moved.tags = trace_tags(moved.tags, self.ids) | self.move.tags(info.trace_id)
        moved.trace_metadata = references.tags(moved.trace_metadata, self.ids)
        # In this order: what a trace says of itself replaces what MLflow has computed from its spans.
        self.target.tracking.log_spans(new_id, trace.data.spans)
        self.target.tracking.start_trace(moved)
        self.target.tracking.set_trace_tag(info.trace_id, COMPLETE, YES)
        self.move.counts["traces"] += 1

    def _copy(self, what, old_uri, new_uri, *, again):
        """Copy the files of a run or logged model that are missing or have another size; True if all are copied now."""
        whole = True
        there = self.target.files(new_uri)
        try:
            wanted = self.source.files(old_uri)
        except OtherSideError as error:
            self.move.fail(f"{what}, its files at {old_uri}", error)
            return False
        for path, size in wanted.items():
            if not again and size is not None and there.get(path) == size:
                continue
            try:
                self._copy_file(old_uri, new_uri, path, size or 0)
                self.move.counts["files"] += 1
            except Exception as error:  # noqa: BLE001 - one file does not stop the rest
                self.move.fail(f"{what}, file {path}", error)
                whole = False
        return whole

    def _copy_file(self, old_uri, new_uri, path, size):
        with tempfile.TemporaryDirectory(dir=self.move.options["folder"]) as folder:
            free = shutil.disk_usage(folder).free
            if size + SPARE > free:
                raise OSError(f"it has {size} bytes, and {Path(folder).parent} has {free}: set TMPDIR to a larger disk")
            self.target.upload(new_uri, self.source.fetch(old_uri, path, folder), path)
