"""MLflow's tracking store, registry and artifact store, as `retention.py` uses them for the workspace of the scope."""

from mlflow.entities import LifecycleStage, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlLoggedModel, SqlRun, SqlTraceInfo, SqlTraceTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from mlflow.tracing.constant import TraceTagKey
from mlflow.utils.workspace_context import WorkspaceContext
from sqlalchemy import not_, or_

PROXIED = "mlflow-artifacts:/"
# Folder of the archived spans of a workspace; the server reads what the tag of a trace names.
ARCHIVE = "archived-traces"
DELETED = LifecycleStage.DELETED
S3 = ("s3", "s3-proxied")


def refused(scheme):
    """The error of a URI that is not of the platform's own store."""
    return MlflowException(f"The place is outside of the platform's artifact store: {scheme or 'a path'}.")


def in_folder(destination, workspace):
    """URI of a workspace's folder in the artifact store; without workspaces that of the store itself."""
    root = destination.rstrip("/")
    return root if workspace is None else f"{root}/workspaces/{workspace}"


class Tracking:
    """The rows of one workspace in the tracking store; ages are times in milliseconds."""

    def __init__(self, uri, destination, workspace, *, multi_tenant):
        self.workspace = workspace
        self.archive_uri = f"{in_folder(destination, workspace if multi_tenant else None)}/{ARCHIVE}"
        self.store = (WorkspaceAwareSqlAlchemyStore if multi_tenant else SqlAlchemyStore)(uri, PROXIED)

    def read(self, model, *conditions):
        """Rows of a table that meet all conditions."""
        with WorkspaceContext(self.workspace), self.store.ManagedSessionMaker() as session:
            rows = self.store._get_query(session, model).filter(*conditions).all()
            session.expunge_all()
        return rows

    def runs(self, before):
        """Runs that were deleted before a time."""
        rows = self.read(SqlRun, SqlRun.lifecycle_stage == DELETED, SqlRun.deleted_time <= before)
        return [{"name": row.run_uuid, "uri": row.artifact_uri, "ids": {row.run_uuid}} for row in rows]

    def models(self, before):
        """Logged models that were deleted before a time."""
        changed = SqlLoggedModel.last_updated_timestamp_ms <= before
        rows = self.read(SqlLoggedModel, SqlLoggedModel.lifecycle_stage == DELETED, changed)
        return [{"name": row.model_id, "uri": row.artifact_location, "ids": {row.model_id}} for row in rows]

    def experiments(self, before):
        """Experiments that were deleted before a time, with the IDs of all runs and logged models in them."""
        changed = SqlExperiment.last_update_time <= before
        rows = self.read(SqlExperiment, SqlExperiment.lifecycle_stage == DELETED, changed)
        return [
            {**_experiment(row), "ids": {f"experiment {row.experiment_id}", *self.inside(row.experiment_id)}}
            for row in rows
        ]

    def inside(self, experiment):
        """IDs of the runs and logged models of an experiment."""
        runs = self.read(SqlRun, SqlRun.experiment_id == experiment)
        models = self.read(SqlLoggedModel, SqlLoggedModel.experiment_id == experiment)
        return {*(row.run_uuid for row in runs), *(row.model_id for row in models)}

    def all_experiments(self):
        """All experiments, deleted ones too."""
        return [_experiment(row) for row in self.read(SqlExperiment)]

    def is_deleted(self, run):
        """True if a run still exists and is marked as deleted."""
        return bool(self.read(SqlRun, SqlRun.run_uuid == run, SqlRun.lifecycle_stage == DELETED))

    def is_deleted_experiment(self, experiment):
        """True if an experiment still exists and is marked as deleted."""
        stage = SqlExperiment.lifecycle_stage == DELETED
        return bool(self.read(SqlExperiment, SqlExperiment.experiment_id == experiment, stage))

    def delete_run(self, run):
        """Delete a run for good."""
        with WorkspaceContext(self.workspace):
            self.store._hard_delete_run(run)

    def delete_model(self, model):
        """Delete a logged model for good."""
        with WorkspaceContext(self.workspace):
            self.store._hard_delete_logged_model(model)

    def delete_experiment(self, experiment):
        """Delete an experiment for good, with all that is in it; run by run, which needs little memory."""
        with WorkspaceContext(self.workspace):
            for row in self.read(SqlRun, SqlRun.experiment_id == experiment):
                self.store._hard_delete_run(row.run_uuid)
            self.store._hard_delete_experiment(str(experiment))

    def traces(self, experiment, before, most):
        """IDs of the oldest traces of an experiment that began before a time, at most `most`."""
        with WorkspaceContext(self.workspace), self.store.ManagedSessionMaker() as session:
            found = self._old(session, experiment, before).order_by(SqlTraceInfo.timestamp_ms).limit(most)
            return [row.request_id for row in found]

    def count_traces(self, experiment, before):
        """Number of traces of an experiment that began before a time."""
        with WorkspaceContext(self.workspace), self.store.ManagedSessionMaker() as session:
            return self._old(session, experiment, before).count()

    def _old(self, session, experiment, before):
        query = self.store._get_query(session, SqlTraceInfo).with_entities(SqlTraceInfo.request_id)
        return query.filter(SqlTraceInfo.experiment_id == experiment, SqlTraceInfo.timestamp_ms <= before)

    def delete_traces(self, experiment, names):
        """Delete traces with their spans, in the database or in the workspace's folder of the store.

        References to archived spans elsewhere are dropped: only this script archives, and MLflow would delete files at
        these places, which are not the platform's.
        """
        with WorkspaceContext(self.workspace):
            with self.store.ManagedSessionMaker(read_only=False) as session:
                of_these = SqlTraceTag.request_id.in_(names), SqlTraceTag.key == TraceTagKey.ARCHIVE_LOCATION
                own = SqlTraceTag.value.startswith(f"{self.archive_uri}/", autoescape=True)
                elsewhere = or_(not_(own), SqlTraceTag.value.contains(".."))
                session.query(SqlTraceTag).filter(*of_these, elsewhere).delete(synchronize_session=False)
            self.store.delete_traces(str(experiment), trace_ids=names)

    def left(self, names):
        """Those of the given traces that still exist."""
        with WorkspaceContext(self.workspace), self.store.ManagedSessionMaker() as session:
            query = self.store._get_query(session, SqlTraceInfo).with_entities(SqlTraceInfo.request_id)
            return [row.request_id for row in query.filter(SqlTraceInfo.request_id.in_(names))]

    def archive(self, days):
        """Move spans of traces that began `days` ago or earlier to the store; returns the number of traces."""
        with WorkspaceContext(self.workspace):
            return self.store.archive_traces(
                resolved_trace_archival_location=self.archive_uri, broader_retention=f"{days}d"
            )


def _experiment(row):
    return {"id": row.experiment_id, "name": row.name, "uri": row.artifact_location}


class Registry:
    """The versions of registered models of one workspace."""

    def __init__(self, tracking):
        self.tracking = tracking

    def used(self):
        """IDs of the runs and logged models that versions come from: of the run, and in the paths of their files."""
        with self.tracking.store.ManagedSessionMaker() as session:
            rows = session.query(SqlModelVersion).filter(SqlModelVersion.workspace == self.tracking.workspace).all()
            return {
                part
                for row in rows
                for place in (row.run_id, row.source, row.storage_location)
                for part in (place or "").split("/")
            }


class Artifacts:
    """The files of one workspace in the artifact store."""

    def __init__(self, destination, workspace):
        self.destination = destination.rstrip("/")
        self.folder = in_folder(destination, workspace)

    def repository(self, uri):
        """MLflow's repository for a URI, which may have the scheme of the server's artifact proxy."""
        if uri.startswith(PROXIED):
            uri = f"{self.destination}/{uri.removeprefix(PROXIED).lstrip('/')}"
        return get_artifact_repository(uri)

    def delete(self, uri):
        """Delete a folder with all files in it; one that does not exist is no error."""
        self.repository(uri).delete_artifacts()

    def folders(self, uri, path):
        """Names of the folders in a folder; none if there is no such folder."""
        try:
            entries = self.repository(uri).list_artifacts(path)
        except MlflowException:
            return set()
        return {entry.path.rsplit("/", 1)[-1] for entry in entries if entry.is_dir}

    def uploads(self, begun):
        """Uploads of several parts that were begun before a time and are not finished; none outside of S3."""
        scheme, _, place = self.folder.partition("://")
        if scheme not in S3:
            return []
        bucket, _, prefix = place.partition("/")
        pages = self._client().get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
        return [
            {"name": one["Key"], "bucket": bucket, "id": one["UploadId"]}
            for page in pages
            for one in page.get("Uploads", [])
            if one["Initiated"] < begun
        ]

    def abort(self, upload):
        """Abort an upload."""
        self._client().abort_multipart_upload(Bucket=upload["bucket"], Key=upload["name"], UploadId=upload["id"])

    def _client(self):
        # MLflow's own repository: the server's one, which `get_artifact_repository` returns, offers no client.
        return S3ArtifactRepository(f"s3://{self.folder.partition('://')[2]}")._get_s3_client()
