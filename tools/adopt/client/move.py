"""Writes what is not in the workspace yet: experiments and runs first, so that every new ID is known, then the rest."""

from collections import Counter, defaultdict

from mlflow.entities import (
    ExperimentTag,
    LoggedModelParameter,
    LoggedModelTag,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException

from tools.adopt import references
from tools.adopt.client.fill import Filling
from tools.adopt.client.link import GoneError
from tools.adopt.client.registry import register
from tools.adopt.progress import Progress
from tools.adopt.references import COMPLETE, CREATED, FROM, ID, USER, YES


class StoppedError(Exception):
    """The platform refuses the whole move; the message says why."""


class Move:
    """A move: both sides, the new IDs by the old ones, and what it has to report."""

    def __init__(self, source, target, made, options, report):
        self.source, self.target, self.made, self.options, self.report = source, target, made, options, report
        self.ids = {}
        self.experiments = {}
        self.locations = {}
        self.rows = {}
        """Runs in the workspace, by their old ID."""
        self.models = defaultdict(dict)
        """Logged models in the workspace by their old ID, by old experiment ID."""
        self.old_models = {}
        self.counts = Counter()

    def everything(self):
        """Write all objects that the workspace lacks."""
        for planned in self.made.experiments:
            self._experiment(planned)
        for planned in self.made.experiments:
            self._logged_models(planned)
        Filling(self).everything()
        register(self)
        self._delete()
        self.report.moved = dict(self.counts)

    def tags(self, old_id):
        """Tags that say where an object comes from."""
        return {FROM: self.options["origin"], ID: old_id}

    def fail(self, what, error):
        """Note a failure that does not stop the rest.

        Raises:
            StoppedError: the platform refuses everything, or the old MLflow cannot be asked any more.
        """
        if isinstance(error, GoneError):
            raise StoppedError(str(error)) from error
        if isinstance(error, MlflowException) and error.error_code in {"PERMISSION_DENIED", "UNAUTHENTICATED"}:
            raise StoppedError(f"{what}: the platform refuses it: {_line(error)}") from error
        self.report.failed.append(f"{what}: {_line(error)}")

    # Experiments and runs

    def _experiment(self, planned):
        old = planned.old
        if planned.there is None:
            created = {} if old.creation_time is None else {CREATED: f"{old.creation_time}"}
            tags = references.tags(old.tags, {}) | self.tags(old.experiment_id) | created
            new_id = self.target.tracking.create_experiment(
                planned.name, tags=[ExperimentTag(key, value) for key, value in tags.items()]
            )
            self.counts["experiments"] += 1
        else:
            new_id = planned.there.experiment_id
        planned.there = self.target.tracking.get_experiment(new_id)
        self.experiments[old.experiment_id] = new_id
        there = self._runs_there(planned)
        progress = Progress(f"runs of {planned.name}, created", len(planned.runs))
        for row in planned.runs:
            if row.id not in there:
                created = self._create_run(new_id, row)
                there[row.id] = row._replace(id=created.info.run_id, ours={}, deleted=False)
                self.counts["runs"] += 1
                progress.step()
            self.ids[row.id] = there[row.id].id
        self.rows |= there

    def _runs_there(self, planned):
        """Runs of an experiment's copy by their old ID. A copy that somebody has deleted does not count."""
        there, deleted = {}, {row.id for row in planned.runs if row.deleted}
        for row in self.target.runs(planned.there.experiment_id, ViewType.ALL):
            old_id = row.ours.get(ID) if row.ours.get(FROM) == self.options["origin"] else None
            if old_id is None or (row.deleted and old_id not in deleted):
                continue
            if old_id in there:
                both = f"{there[old_id].id} and {row.id}"
                self.report.failed.append(
                    f"run {old_id} of {planned.name} is there twice, as {both}: delete the second"
                )
            else:
                there[old_id] = row
        return there

    def _create_run(self, experiment_id, row):
        ours = self.tags(row.id) | ({USER: row.user} if row.user else {})
        tags = [RunTag(key, value) for key, value in ours.items()]
        # A run of an early MLflow may have no name; MLflow would give it a random one.
        name = row.name or f"run-{row.id[:8]}"
        return self.target.tracking.create_run(experiment_id, row.user or "unknown", row.start, tags, name)

    def _logged_models(self, planned):
        old_id, new_id = planned.old.experiment_id, planned.there.experiment_id
        old = self.source.logged_models(old_id)
        if not old:
            return
        there = {
            one.tags[ID]: one
            for one in self.target.logged_models(new_id)
            if one.tags.get(FROM) == self.options["origin"]
        }
        for model in old:
            self.old_models[model.model_id] = model
            if model.model_id not in there:
                there[model.model_id] = self._create_model(new_id, model)
                self.counts["logged models"] += 1
            new = there[model.model_id]
            self.ids[model.model_id] = new.model_id
            self.locations[model.model_id] = new.artifact_location
        self.models[old_id] = there

    def _create_model(self, experiment_id, model):
        tags = references.tags(model.tags, self.ids) | self.tags(model.model_id)
        return self.target.tracking.create_logged_model(
            experiment_id,
            name=model.name,
            source_run_id=self.ids.get(model.source_run_id),
            tags=[LoggedModelTag(key, value) for key, value in tags.items()],
            params=[LoggedModelParameter(key, value) for key, value in (model.params or {}).items()],
            model_type=model.model_type,
        )

    # What was deleted

    def _delete(self):
        """Delete the copies of deleted objects once they are complete."""
        for planned in self.made.experiments:
            for row in planned.runs:
                new = self.target.run(self.ids[row.id]) if row.deleted else None
                if new and new.info.lifecycle_stage != "deleted" and new.data.tags.get(COMPLETE) == YES:
                    self._deleting(f"run {row.id}", lambda new=new: self.target.tracking.delete_run(new.info.run_id))
            if planned.old.lifecycle_stage == "deleted" and planned.there.lifecycle_stage != "deleted":
                there = planned.there.experiment_id
                self._deleting(planned.name, lambda there=there: self.target.tracking.delete_experiment(there))

    def _deleting(self, what, delete):
        try:
            delete()
        except MlflowException as error:
            if error.error_code != "PERMISSION_DENIED":
                raise
            self.report.failed.append(
                f"{what}: it is deleted in SOURCE, and has to be deleted here as well, which programs may not do: run "
                "this again with the token of a manager of the team in MLFLOW_PLATFORM_TOKEN"
            )


def _line(error):
    return f"{error}".strip().partition("\n")[0][:300] or type(error).__name__
