"""Steps of a preview, and events as the engine streams them."""

import json
from collections.abc import Mapping
from typing import Any

from tools.plan.preview import Preview, Step

# Lines of the real engine, without the resources' states.
URN = "urn:pulumi:dev::mlflow-platform::mlflow-platform:index:"
MIGRATION = URN + "SchemaMigration$kubernetes:batch/v1:Job::migration-job"
ALLOWED = "spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation"
EVENTS: list[dict[str, object]] = [
    {"sequence": 0, "timestamp": 1795257646, "policyLoadEvent": {}},
    {
        "sequence": 1,
        "diagnosticEvent": {"prefix": "warning: ", "message": "using a plugin from $PATH\n", "severity": "warning"},
    },
    {
        "sequence": 192,
        "resourcePreEvent": {
            "metadata": {
                "op": "same",
                "urn": "urn:pulumi:dev::mlflow-platform::pulumi:pulumi:Stack::mlflow-platform-dev",
                "type": "pulumi:pulumi:Stack",
                "detailedDiff": None,
            },
            "planning": True,
        },
    },
    {
        "sequence": 420,
        "resourcePreEvent": {
            "metadata": {
                "op": "update",
                "urn": URN + "Workspace$kubernetes:core/v1:Namespace::team-b-namespace",
                "detailedDiff": {
                    'metadata.annotations["mlflow.kubeflow.org/workspace-description"]': {"diffKind": "update"}
                },
            },
        },
    },
    {
        "sequence": 705,
        "policyEvent": {
            "resourceUrn": MIGRATION,
            "message": (
                "Pods meet the restricted Pod Security Standard.\n"
                "container `migrate`: securityContext.allowPrivilegeEscalation must be false\n"
            ),
            "policyName": "pods-are-restricted",
            "enforcementLevel": "mandatory",
        },
    },
    {
        "sequence": 707,
        "resourcePreEvent": {
            "metadata": {
                "op": "create-replacement",
                "urn": MIGRATION,
                "detailedDiff": {ALLOWED: {"diffKind": "update-replace", "inputDiff": False}},
            }
        },
    },
    {
        "sequence": 718,
        "resourcePreEvent": {
            "metadata": {
                "op": "replace",
                "urn": MIGRATION,
                "detailedDiff": {ALLOWED: {"diffKind": "update-replace", "inputDiff": False}},
            }
        },
    },
    {
        "sequence": 755,
        "resourcePreEvent": {"metadata": {"op": "delete-replaced", "urn": MIGRATION, "detailedDiff": None}},
    },
    {
        "sequence": 760,
        "diagnosticEvent": {"prefix": "error: ", "message": "preview failed\n", "severity": "error"},
    },
    {"sequence": 761, "summaryEvent": {"resourceChanges": {"replace": 2, "same": 79}, "result": "failed"}},
]


def stream(*events: Mapping[str, object]) -> str:
    """The events as text, as the engine writes them."""
    return "".join(f"{json.dumps(event)}\n" for event in events)


def step(op: str, kind: str, name: str, **fields: Any) -> Step:  # noqa: ANN401 - fields of a step
    """A step about a Kubernetes object of this name in the namespace `mlflow`."""
    given: dict[str, Any] = {"type": f"kubernetes:apps/v1:{kind}", **fields}
    metadata = {"name": name, "namespace": "mlflow"}
    for side in ("old", "new"):
        if side in given:
            given[side] = {"kind": kind, "metadata": metadata, **given[side]}
    return Step(op=op, urn=f"{URN}Part${given['type']}::{name}", **given)


def preview(*steps: Step, errors: tuple[str, ...] = ()) -> Preview:
    """A preview of these steps."""
    return Preview(steps=steps, violations=(), errors=errors)
