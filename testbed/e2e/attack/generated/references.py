"""Templates of what is put into a field to refer to another team's object, by kind of field.

`$victim_X` is the value X of the attacked team's objects (objects.yaml, and page tokens). In these places, the twin of
a request has values of the same shape that name nothing (`absent`). No template contains the victim's whole secret, so
an answer with the secret is a leak. Filters probe for the secret's beginning, `$victim_hint`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping

from testbed.e2e.attack.generated.fields import Field, Kind

# The object that a field of this name holds the id of; the first that fits.
OBJECTS = {
    "experiment": "experiment",
    "run": "run",
    "trace": "trace",
    "request": "trace",
    "client_request": "trace",
    "item": "trace",
    "model": "model",
    "assessment": "assessment",
    "overrides": "assessment",
    "dataset_record": "dataset",
    "dataset": "dataset",
    "issue": "issue",
    "schema": "schema",
    "queue": "queue",
    "scorer": "scorer_id",
}
# Anything else that is called an id gets ids of these.
ANY = ("run", "model", "trace")
NAMES = {
    "experiment": "$victim_experiment_name",
    "registered-models": "$victim_registered",
    "model-versions": "$victim_registered",
    "scorers": "$victim_scorer",
    "label-schemas": "$victim_schema_name",
    "review-queues": "$victim_queue_name",
    "datasets": "$victim_name-dataset",
    "issues": "$victim_name-issue",
    "prompt": "$victim_prompt",
}
# Names for new objects. Teams may have the same names, so these get made: nothing else looks them up.
NEW_NAMES = {
    "experiments": "$victim_name-doomed",
    "registered-models": "$victim_doomed_registered",
    "scorers": "$victim_doomed_scorer",
    "label-schemas": "$victim_name-doomed-schema",
    "review-queues": "$victim_name-doomed-queue",
    "datasets": "$victim_name-doomed-dataset",
    "issues": "$victim_name-issue",
}
NAMING = re.compile(
    r"(experiments|registered-models|datasets)/create|scorers/register|(label-schemas|review-queues)/"
    r"(create|update)|experiments/update|registered-models/rename|mlflow/issues"
)
LOCATIONS = (
    "$victim_artifacts/note.txt",
    "/$victim_artifacts/note.txt",
    "../../../$victim_artifacts/note.txt",
    "workspaces/$workspace/../$victim_workspace/$victim_rest/note.txt",
    "workspaces/$workspace/%2e%2e/$victim_workspace/$victim_rest/note.txt",
    "workspaces/$workspace/%252e%252e/$victim_workspace/$victim_rest/note.txt",
    "workspaces//$victim_workspace/$victim_rest/note.txt",
    "mlflow-artifacts:/$victim_artifacts",
    "mlflow-artifacts://mlflow/$victim_artifacts",
    "s3://mlflow/$victim_artifacts",
    "s3-proxied://mlflow/$victim_artifacts",
    "file:///mlflow/artifacts/$victim_artifacts",
    "/mlflow/artifacts/$victim_artifacts",
    "gs://mlflow/$victim_artifacts",
    "hdfs://127.0.0.1/$victim_artifacts",
    "dbfs:/$victim_artifacts",
    "runs:/$victim_run/note.txt",
    "models:/$victim_registered/1",
    "models:/$victim_model",
    "prompts:/$victim_prompt/1",
    "http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/$victim_artifacts",
)
FILTERS = (
    "tags.secret LIKE '$victim_hint%'",
    "tags.secret ILIKE '$victim_hint%'",
    "tag.secret LIKE '$victim_hint%'",
    "params.secret LIKE '$victim_hint%'",
    "metadata.secret LIKE '$victim_hint%'",
    "name = '$victim_experiment_name'",
    "name = '$victim_registered'",
    "name LIKE '$victim_name%'",
    "run_id = '$victim_run'",
    "attributes.run_id = '$victim_run'",
    "experiment_id = '$victim_experiment'",
    "trace.run_id = '$victim_run'",
    "request_id = '$victim_trace'",
    "source_path LIKE '%$victim_run%'",
    "dataset.name = '$victim_name-dataset'",
    "attributes.run_name = '$victim_name-run'",
    "tags.secret LIKE '$victim_hint%' OR 1=1",
)
ORDERS = ("tags.`$victim_hint` ASC", "params.`$victim_hint` DESC", "`$victim_hint`")
TOKENS = ("$victim_token_experiments", "$victim_token_runs", "$victim_token_registered", "$victim_token_traces")
DOCUMENTS = (
    '{"run_id": "$victim_run", "artifact_path": "x", "utc_time_created": "2026-01-01 00:00:00", "flavors": {}}',
    '{"model_id": "$victim_model", "run_id": "$victim_run", "flavors": {}}',
    '[{"inputs": {"q": "x"}, "source": {"source_type": "TRACE", "source_data": {"trace_id": "$victim_trace"}}}]',
    '[{"dataset_record_id": "$victim_dataset", "inputs": {"q": "x"}}]',
    '{"mlflow.sourceRun": "$victim_run", "mlflow.artifactLocation": "mlflow-artifacts:/$victim_artifacts"}',
    '{"name": "$victim_scorer", "experiment_id": "$victim_experiment", "dataset_id": "$victim_dataset"}',
)
# Tags that the server or its pages follow.
TAGS = {
    "mlflow.artifactLocation": "mlflow-artifacts:/$victim_artifacts",
    "mlflow.trace.archiveLocation": "mlflow-artifacts:/$victim_artifacts",
    "mlflow.parentRunId": "$victim_run",
    "mlflow.sourceRun": "$victim_run",
    "mlflow.trace.sourceRun": "$victim_run",
    "mlflow.modelId": "$victim_model",
    "mlflow.trace.session": "$victim_trace",
    "mlflow.linkedPrompts": '[{"name": "$victim_prompt", "version": "1"}]',
    "mlflow.log-model.history": '[{"run_id": "$victim_run", "artifact_path": "x"}]',
    "_mlflow_experiment_ids": '["$victim_experiment"]',
}
# A shorter text of hexadecimal digits is no id. Names have as many; ids have more.
LEAST_HEX = 8
# What a filter says of a secret.
HINT = 15
# Other spellings of an id.
SPELLINGS = ("${ID}", " ${ID} ", "${ID}%00", "${ID}/../${ID}")


def templates(route: str, field: Field, kind: Kind) -> Iterator[str]:
    """Templates for a field; those for tags are elsewhere, because a tag needs key and value."""
    if kind is Kind.ID:
        yield from _ids(field)
    elif kind is Kind.NAME:
        yield from _names(route, field)
    else:
        fixed = {
            Kind.LOCATION: LOCATIONS,
            Kind.FILTER: FILTERS,
            Kind.ORDER: ORDERS,
            Kind.TOKEN: TOKENS,
            Kind.DOCUMENT: DOCUMENTS,
        }
        yield from fixed.get(kind, ())


def is_own_kind(field: Field, template: str) -> bool:
    """True if a template is the plain id of the kind of object that the field names."""
    meant = _object(field)
    return meant is not None and template == f"${{victim_{meant}}}"


def _object(field: Field) -> str | None:
    stem = re.sub(r"_?(ids?|uuid)$", "", field.name)
    for prefix in ("x_mlflow_", "source_"):
        stem = stem.removeprefix(prefix)
    return OBJECTS.get(stem)


def _ids(field: Field) -> Iterator[str]:
    meant = _object(field)
    known = [meant] if meant else list(ANY)
    for name in known:
        for spelling in SPELLINGS:
            yield spelling.replace("ID", f"victim_{name}")
    # An id of another kind: what is looked up by it may not be what was judged by it.
    yield from (f"${{victim_{name}}}" for name in ("run", "model", "trace", "experiment") if name not in known)


def _names(route: str, field: Field) -> Iterator[str]:
    if NAMING.search(route) and field.name in ("name", "new_name") and not (field.name == "name" and "rename" in route):
        yield from (template for part, template in NEW_NAMES.items() if part in route)
        return
    found = [template for part, template in NAMES.items() if part in route or field.name.startswith(part)]
    if field.path.startswith("prompt_versions"):
        found = [NAMES["prompt"], *found]
    yield from dict.fromkeys([*(found or NAMES.values()), "$victim_prompt"])


def absent(value: str, use: str = "") -> str:
    """A value of the same shape that names nothing; its ids differ from one `use` to the next.

    Clients choose the ids of traces and assessments. With the victim's id a request creates nothing, but with the
    missing id its twin creates an object: no other case may use that id. Names are the same for every use: what one
    case has created with both names, the next case finds with both.
    """
    if value.isdigit() and len(value) < LEAST_HEX:
        # Experiments are numbered. Nobody has as many, and a longer one would be cut off in messages.
        return str(90_000 + int(hashlib.sha256(value.encode()).hexdigest(), 16) % 10_000)

    def other(found: re.Match[str]) -> str:
        text = found.group()
        return hashlib.sha256((text if len(text) == LEAST_HEX else f"{text}{use}").encode()).hexdigest()[: len(text)]

    return re.sub(rf"(?<![0-9a-z])[0-9a-f]{{{LEAST_HEX},64}}(?![0-9a-z])", other, value)


def values(own: Mapping[str, str], victim: Mapping[str, str], *, twin: bool = False, use: str = "") -> dict[str, str]:
    """Everything that templates name: objects of the caller's own, and the victim's, or in the twin nobody's."""
    theirs = {**victim, "rest": victim["artifacts"].removeprefix(f"workspaces/{victim['workspace']}/")}
    unique = {key: value for key, value in theirs.items() if key not in ("workspace", "scorer_code")}
    if twin:
        # Own tokens are well-formed and point into one's own results.
        tokens = {key: own.get(key, value) for key, value in unique.items() if key.startswith("token_")}
        theirs |= {key: absent(value, use) for key, value in unique.items()} | tokens
    return {**own, **{f"victim_{key}": value for key, value in theirs.items()}}
