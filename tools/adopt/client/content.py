"""Content of an MLflow, read through MLflow's own client; the same for the old one and the platform."""

import posixpath
from pathlib import Path
from typing import NamedTuple

from mlflow.entities import LoggedModelStatus, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking._model_registry.utils import _get_store as registry_store
from mlflow.tracking._tracking_service.utils import _get_store as tracking_store
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri

from tools.adopt.client.guard import Guard
from tools.adopt.origin import Locations
from tools.adopt.references import OURS

PAGE = 1000
POINTS = 25_000
TRACES = 100
# Answers of servers that are older than a feature.
UNKNOWN = ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED")
TRACE_LOCATION, SPANS_LOCATION = "mlflow.artifactLocation", "mlflow.trace.spansLocation"
# Value of the second one: the spans are no file.
IN_DATABASE = "TRACKING_STORE"
# Tags of a trace with locations of its files.
TRACE_LOCATIONS = (TRACE_LOCATION, "mlflow.trace.archiveLocation")
PROMPT = "mlflow.prompt.is_prompt"
# Without this filter a search leaves prompts out.
PROMPTS = f"tags.`{PROMPT}` = 'true'"


class Row(NamedTuple):
    """Data of a run that stays in memory; everything else is read when it is needed."""

    id: str
    name: str
    user: str
    start: int
    deleted: bool
    files: str
    """Location of its files."""

    ours: dict
    """Its tags that moving has added."""


def pages(ask):
    """All items of a paged answer; `ask` takes a page token and returns items with one."""
    token = None
    while True:
        found, before = ask(token), token
        items, token = found if isinstance(found, tuple) else (found, found.token)
        yield from items
        # A few releases answer a last page with its own token.
        if not token or token == before:
            return


def unsupported(error):
    """True if the error means that a store does not support the request."""
    text = str(error)
    return error.error_code in UNKNOWN or "404" in text or "405" in text or "501" in text


class Content:
    """Experiments, runs, models and files at a tracking URI."""

    def __init__(self, uri, locations=None, places=None):
        self.uri = uri
        self.tracking = tracking_store(uri)
        self.registry = registry_store(uri, uri)
        self._locations = locations or Locations()
        self._guard = Guard(uri, self._locations, places)

    def experiments(self):
        """Every experiment, deleted ones too."""
        return list(
            pages(
                lambda token: self.tracking.search_experiments(
                    view_type=ViewType.ALL, max_results=PAGE, page_token=token, filter_string=None, order_by=None
                )
            )
        )

    def runs(self, experiment_id, view=ViewType.ACTIVE_ONLY):
        """Runs of an experiment, oldest first."""
        found = pages(
            lambda token: self.tracking.search_runs(
                [experiment_id], "", view, max_results=PAGE, order_by=["attributes.start_time ASC"], page_token=token
            )
        )
        return [_row(one) for one in found]

    def run(self, run_id):
        """A run with its latest metrics, parameters, tags, inputs and outputs."""
        return self.tracking.get_run(run_id)

    def history(self, run_id, key):
        """All values of a metric: value, time in ms, step."""
        found = pages(
            lambda token: (
                self.tracking.get_metric_history(run_id, key, max_results=POINTS, page_token=token)
                if token or self.uri.startswith("http")
                else (self.tracking.get_metric_history(run_id, key), None)
            )
        )
        return [(one.value, one.timestamp, one.step) for one in found]

    def logged_models(self, experiment_id):
        """Logged models of an experiment; none if the server is older than MLflow 3."""
        try:
            return list(
                pages(
                    lambda token: self.tracking.search_logged_models([experiment_id], max_results=50, page_token=token)
                )
            )
        except MlflowException as error:
            if unsupported(error):
                return []
            raise

    def logged_model(self, model_id):
        """A logged model with its metrics."""
        return self.tracking.get_logged_model(model_id)

    def registered(self):
        """Registered models and prompts with their versions by number."""
        found = _with_prompts(lambda chosen: self._registered_models(chosen or None))
        return [self.registered_model(name) for name in dict.fromkeys(one.name for one in found)]

    def registered_model(self, name):
        """A registered model with its versions by number."""
        quoted = name.replace("'", "\\'")
        named = f"name='{quoted}'"
        versions = _with_prompts(lambda chosen: self._versions(f"{named} AND {chosen}" if chosen else named))
        numbered = {int(one.version): one for one in versions}
        return self.registry.get_registered_model(name), dict(sorted(numbered.items()))

    def _registered_models(self, chosen):
        return pages(
            lambda token: self.registry.search_registered_models(
                filter_string=chosen, max_results=100, page_token=token
            )
        )

    def _versions(self, chosen):
        return pages(
            lambda token: self.registry.search_model_versions(filter_string=chosen, max_results=100, page_token=token)
        )

    def traces(self, experiment_id):
        """Traces of an experiment without their spans; none if the server has no traces."""
        try:
            return list(
                pages(
                    lambda token: self.tracking.search_traces(
                        locations=[experiment_id], max_results=TRACES, page_token=token
                    )
                )
            )
        except MlflowException as error:
            if unsupported(error):
                return []
            raise

    def trace(self, trace_id):
        """A trace with its spans, as JSON."""
        from mlflow.entities import Trace, TraceData
        from mlflow.tracking import MlflowClient

        info = self.tracking.get_trace_info(trace_id)
        location = info.tags.get(TRACE_LOCATION)
        spans = info.tags.get(SPANS_LOCATION)
        named = [info.tags.get(tag, "") for tag in TRACE_LOCATIONS]
        # MLflow opens the location that the trace names, if its spans are a file.
        opened = [] if spans in {None, IN_DATABASE} else named
        for each in (*map(self._locations.find, named), *opened):
            self._guard.check_trace(each)
        if spans or not location:
            client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            return client.get_trace(trace_id, display=False).to_json()
        # Spans of MLflow before 3.4 are a file among the artifacts.
        return Trace(info, TraceData.from_dict(self._repository(location).download_trace_data())).to_json()

    def files(self, uri):
        """Paths of all files at a location, with their sizes; a size may be None."""
        if self._locations.none:
            return {}
        repository, found, waiting = self._repository(uri), {}, [None]
        while waiting:
            folder = waiting.pop()
            for one in repository.list_artifacts(folder):
                if one.is_dir and self._guard.may_list(repository, one.path):
                    waiting.append(one.path)
                else:
                    found[one.path] = one.file_size
        return found

    def fetch(self, uri, path, folder):
        """Path of a file's content on this machine: downloaded to `folder`, or its own path if it is on this machine."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        repository = self._repository(uri)
        local = Path(repository.artifact_dir, path) if hasattr(repository, "artifact_dir") else None
        if local is not None:
            self._guard.check_file(local)
            if not local.is_file():
                raise FileNotFoundError(f"there is no file {local}")
            return str(local)
        return repository.download_artifacts(path, folder)

    def upload(self, uri, local, path):
        """Upload a file under the name that `path` ends with."""
        self._repository(uri).log_artifact(local, posixpath.dirname(path) or None)

    def problem(self, uri):
        """Reason why a location cannot be read: `served` (only by a server), or a missing folder; empty if it can."""
        found = self._locations.find(uri)
        if self._locations.none:
            return ""
        if not (self.uri.startswith("http") or self._locations.finds(uri)):
            return "served"
        path = Path(local_file_uri_to_path(found)) if is_local_uri(found) else None
        # The folder of an experiment without files need not exist; the one of all experiments does.
        return f"{path.parent}" if path is not None and not path.parent.is_dir() else ""

    def outside(self, uris):
        """Reasons why files are not read, by location; locations whose files are read are left out."""
        found = {}
        for uri in () if self._locations.none else uris:
            try:
                self._guard.check(self._locations.find(uri))
            except ValueError as error:
                found[uri] = str(error)
        return found

    def places(self):
        """The places whose files are read, for people."""
        return self._guard.text()

    def _repository(self, uri):
        found = self._locations.find(uri)
        self._guard.check(found)
        return get_artifact_repository(found, tracking_uri=self.uri, registry_uri=self.uri)


def all_tags(model):
    """All tags of a registered model, including the tag of prompts, which the attribute `tags` leaves out."""
    return dict(model._tags)


def is_prompt(model):
    """True if a registered model is a prompt."""
    return PROMPT in all_tags(model)


def ready(model):
    """True if a logged model says that its files are complete."""
    return model.status == LoggedModelStatus.READY


def _row(run):
    ours = {key: value for key, value in run.data.tags.items() if key in OURS}
    info = run.info
    return Row(
        info.run_id,
        info.run_name or "",
        info.user_id or "",
        info.start_time,
        info.lifecycle_stage == "deleted",
        info.artifact_uri or "",
        ours,
    )


def _with_prompts(search):
    """Results of a search without a filter, and of one for prompts."""
    found = list(search(""))
    try:
        found += search(PROMPTS)
    except MlflowException:
        # A server that is older than prompts does not know such a filter.
        return found
    return found
