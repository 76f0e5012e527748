"""Compares the old MLflow with the workspace: everything is read again, and the files of both sides are hashed."""

import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlflow.entities import LoggedModelTag, RunTag, Trace
from mlflow.exceptions import MlflowException

from tools.adopt import digest, references
from tools.adopt.client.content import all_tags, is_prompt
from tools.adopt.client.fill import THREADS, trace_tags
from tools.adopt.client.link import GoneError, OtherSideError
from tools.adopt.client.registry import aliases, expected_source, is_gap
from tools.adopt.progress import Progress
from tools.adopt.references import AGAIN, COMPLETE, USER, YES
from tools.adopt.report import Compared, Side

# MLflow computes these when a trace is written.
_TRACES_OWN = frozenset({
    "mlflow.trace.infoFinalized", "mlflow.trace.sizeStats", "mlflow.trace.sizeBytes", "mlflow.trace.tokenUsage",
    "mlflow.trace.cost", "mlflow.trace_schema.version",
})  # fmt: skip
_ASSESSED = ("assessment_name", "source", "feedback", "expectation", "rationale", "span_id")


class Comparison:
    """Compares the objects that a move has written with their originals."""

    def __init__(self, move):
        self.move = move
        self.source, self.target, self.ids = move.source, move.target, move.ids
        self.folder = move.options["folder"]

    def everything(self):
        """Compare each experiment, and the registered models."""
        report = self.move.report
        total = sum(len(one.runs) + len(self.move.models[one.old.experiment_id]) for one in self.move.made.experiments)
        progress = Progress("runs and models, compared", total)
        for planned in self.move.made.experiments:
            report.compared.append(self._experiment(planned, progress))
        if self.move.made.models:
            report.compared.append(self._registered())

    def _experiment(self, planned, progress):
        found = _Found(planned.name)
        new_tags = references.without_ours(self.target.tracking.get_experiment(planned.there.experiment_id).tags)
        found.add("the experiment", {"tags": _pairs(references.tags(planned.old.tags, {}))}, {"tags": _pairs(new_tags)})
        new_models = {one.model_id: one for one in self.target.logged_models(planned.there.experiment_id)}
        work = [(f"run {row.id}", self._run, row) for row in planned.runs]
        work += [
            (f"logged model {old_id}", self._model, old_id, new_models.get(new.model_id))
            for old_id, new in self.move.models[planned.old.experiment_id].items()
        ]
        with ThreadPoolExecutor(THREADS) as pool:
            for what, future in [(what, pool.submit(_safely, read, *given)) for what, read, *given in work]:
                found.take(what, future.result())
                progress.step()
        self._traces(planned, found)
        return found.result()

    def _run(self, row):
        old, new = self.source.run(row.id), self.target.run(self.ids[row.id])
        sides = (
            self._of_run(self.source, old, references.tags(old.data.tags, self.ids), self.ids.get),
            self._of_run(self.target, new, references.without_ours(new.data.tags), lambda one: one),
        )
        if not row.name:
            # MLflow gives a name to a run that has none.
            for side in sides:
                side["tags"] = [pair for pair in side["tags"] if pair[0] != "mlflow.runName"]
        users = (old.info.user_id or "", new.data.tags.get(USER, ""))
        information = [
            self._information(one, user, named=bool(row.name)) for one, user in zip((old, new), users, strict=True)
        ]
        sides[0]["runs"], sides[1]["runs"] = [information[0]], [information[1]]
        if not _same(*sides) and new.data.tags.get(COMPLETE) == YES:
            # The next run of the move fills it again.
            self.target.tracking.set_tag(new.info.run_id, RunTag(COMPLETE, AGAIN))
        return sides

    @staticmethod
    def _information(run, user, *, named):
        info = run.info
        deleted = info.lifecycle_stage == "deleted"
        name = info.run_name if named else ""
        return [name, info.status, info.start_time, info.end_time or None, user, deleted]

    def _of_run(self, side, run, tags, renamed):
        metrics = [
            [key, digest.number(value), timestamp, step]
            for key in run.data.metrics
            for value, timestamp, step in side.history(run.info.run_id, key)
        ]
        return {
            "params": _pairs(run.data.params),
            "metrics": metrics,
            "tags": _pairs(tags),
            "datasets": [_dataset(one) for one in (run.inputs.dataset_inputs if run.inputs else ())],
            "links": _links(run, renamed),
            "files": self._files(side, run.info.artifact_uri),
        }

    def _model(self, old_id, new):
        old = self.move.old_models[old_id]
        renamed = self.ids.get
        if new is None:
            return {"models": [old_id]}, {"models": []}
        sides = (
            self._of_model(self.source, old, references.tags(old.tags, self.ids), renamed),
            self._of_model(self.target, new, references.without_ours(new.tags), lambda one: one),
        )
        if not _same(*sides) and new.tags.get(COMPLETE) == YES:
            self.target.tracking.set_logged_model_tags(new.model_id, [LoggedModelTag(COMPLETE, AGAIN)])
        return sides

    def _of_model(self, side, model, tags, renamed):
        return {
            "models": [[model.name, str(model.status), model.model_type or "", renamed(model.source_run_id) or ""]],
            "params": _pairs(model.params or {}),
            "tags": _pairs(tags),
            "metrics": [
                [one.key, digest.number(one.value), one.timestamp, one.step, renamed(one.run_id), one.dataset_name]
                for one in model.metrics or ()
                if renamed(one.run_id)
            ],
            "files": self._files(side, model.artifact_location),
        }

    def _files(self, side, uri):
        """Path, size and SHA-256 of each file; a file that cannot be read has the error instead."""
        found = []
        where = "SOURCE" if side is self.source else "the workspace"
        try:
            paths = sorted(side.files(uri))
        except (OtherSideError, MlflowException):
            return [["", 0, f"cannot be listed in {where}"]]
        for path in paths:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                try:
                    local = Path(side.fetch(uri, path, folder))
                    found.append([path, local.stat().st_size, digest.file(local)])
                except GoneError:
                    raise
                except Exception:  # noqa: BLE001 - any store's error
                    found.append([path, 0, f"cannot be read in {where}"])
        return found

    def _traces(self, planned, found):
        old = {one.trace_id for one in self.source.traces(planned.old.experiment_id)}
        new = {one.trace_id for one in self.target.traces(planned.there.experiment_id)}
        for trace_id in sorted(old):
            sides = ({"traces": [trace_id]}, {"traces": []})
            if trace_id in new:
                sides = _safely(self._trace, trace_id)
            found.take(f"trace {trace_id}", sides)

    def _trace(self, trace_id):
        old, new = (Trace.from_json(side.trace(trace_id)) for side in (self.source, self.target))
        old_tags, new_tags = (trace_tags(one.info.tags, self.ids) for one in (old, new))
        metadata = references.tags(old.info.trace_metadata, self.ids)
        return (
            {"traces": [_trace(old, old_tags, metadata)]},
            {"traces": [_trace(new, references.without_ours(new_tags), new.info.trace_metadata)]},
        )

    def _registered(self):
        found = _Found("registered models")
        prefix = self.move.options["prefix"]
        there = {model.name: (model, versions) for model, versions in self.target.registered()}
        for old, versions in self.move.made.models:
            name = f"{prefix}{old.name}"
            if name not in there:
                found.add(name, {"models": [name]}, {"models": []})
                continue
            new, copies = there[name]
            sources = {number: expected_source(self.move, old, one) for number, one in versions.items()}
            moved = {number: one for number, one in versions.items() if sources[number] is not None}
            copies = {number: one for number, one in copies.items() if not is_gap(one)}
            kept = {alias: number for alias, number in aliases(old, versions).items() if number in moved}
            tags = references.registered_tags(all_tags(old), self.ids, self.move.experiments)
            own = {key: one.source for key, one in copies.items()}
            found.add(
                name,
                self._of_registered(name, old, tags, moved, sources, self.ids.get, kept),
                self._of_registered(name, new, all_tags(new), copies, own, lambda one: one, aliases(new, copies)),
            )
        return found.result()

    def _of_registered(self, name, model, tags, versions, sources, renamed, named):
        prompt = is_prompt(model)
        tags = references.compared_tags(tags)
        rows = []
        for number, one in versions.items():
            copied = prompt or references.OF_VERSION.match(sources[number])
            run = "" if copied else renamed(one.run_id) or ""
            own = references.without_ours(references.tags(one.tags, self.ids))
            rows.append([number, sources[number], run, one.description or "", one.current_stage, _pairs(own)])
        return {
            "models": [[name, model.description or ""]],
            "tags": _pairs(tags),
            "versions": rows,
            "links": [[alias, number] for alias, number in named.items()],
        }


class _Found:
    """Counts and digests of one table row, and sentences about what differs."""

    def __init__(self, name):
        self._name = name
        self._counts = (Counter(), Counter())
        self._rows = (defaultdict(list), defaultdict(list))
        self._differences = []

    def take(self, what, sides):
        """Add the content of an object, or the error if it could not be read."""
        if isinstance(sides, Exception):
            self._differences.append(f"{what}: {sides}")
        else:
            self.add(what, *sides)

    def add(self, what, old, new):
        """Add the old and the new content of an object."""
        different = []
        for kind in sorted({*old, *new}):
            digests = []
            for side, content in enumerate((old, new)):
                count, whole = digest.rows(content.get(kind, ()))
                self._counts[side][kind] += count
                self._rows[side][kind].append([what, whole])
                digests.append((count, whole))
            if digests[0] != digests[1]:
                different.append(_sentence(kind, old.get(kind, ()), new.get(kind, ())))
        for side, content in enumerate((old, new)):
            self._counts[side]["bytes"] += sum(size for _, size, _ in content.get("files", ()))
        if different:
            self._differences.append(f"{what}: {'; '.join(different)}")

    def result(self):
        """The row."""
        old, new = (
            Side(dict(counts), {kind: digest.rows(some)[1] for kind, some in sorted(rows.items())})
            for counts, rows in zip(self._counts, self._rows, strict=True)
        )
        return Compared(self._name, old, new, self._differences)


def _same(old, new):
    """True if both sides have the same rows, in whichever order their stores give them."""
    return all(digest.rows(old.get(kind, ())) == digest.rows(new.get(kind, ())) for kind in {*old, *new})


def _sentence(kind, old, new):
    """Sentence about a difference, with the first item of each side that the other lacks."""
    only = [[one for one in mine if one not in other] for mine, other in ((old, new), (new, old))]
    parts = [
        f"{side} has {str(some[0])[:160]}" for side, some in zip(("SOURCE", "the copy"), only, strict=True) if some
    ]
    return f"{kind} differ: {', '.join(parts) or 'in number'}"


def _safely(read, *arguments):
    try:
        return read(*arguments)
    except GoneError:
        raise
    except Exception as error:  # noqa: BLE001 - one object does not stop the comparison
        return error


def _pairs(items):
    return [[key, value] for key, value in sorted(items.items())]


def _dataset(one):
    of = one.dataset
    tags = sorted([tag.key, tag.value] for tag in one.tags)
    return [of.name, of.digest, of.source_type, of.source, of.schema or "", of.profile or "", tags]


def _links(run, renamed):
    inputs = (run.inputs.model_inputs or ()) if run.inputs else ()
    outputs = run.outputs.model_outputs if run.outputs else ()
    links = [["input", renamed(one.model_id)] for one in inputs]
    links += [["output", renamed(one.model_id), one.step] for one in outputs]
    return [one for one in links if one[1]]


def _trace(trace, tags, metadata):
    info = trace.info
    kept = {key: value for key, value in metadata.items() if key not in _TRACES_OWN}
    spans = sorted((one.to_dict() for one in trace.data.spans), key=lambda one: one["span_id"])
    assessed = [one.to_dictionary() for one in info.assessments]
    return [
        info.trace_id, info.request_time, info.execution_duration, str(info.state), info.client_request_id or "",
        info.request_preview or "", info.response_preview or "", _pairs(tags), _pairs(kept), spans,
        sorted(str([one.get(part) for part in _ASSESSED]) for one in assessed),
    ]  # fmt: skip
