"""Registrations of a small program, and renderings of the committed stacks."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from settings import validate
from tools.render.objects import Rendered, render
from tools.render.recording import Registration
from tools.stack_file import read

URN = "urn:pulumi:dev::mlflow-platform::"
API_VERSIONS = {"Deployment": "apps/v1", "Job": "batch/v1", "HorizontalPodAutoscaler": "autoscaling/v2"}


def registered(
    kind: str,
    name: str,
    *,
    needs: tuple[str, ...] = (),
    component: str = "parts",
    has_secrets: bool = False,
    protect: bool = False,
    ignored: tuple[str, ...] = (),
    annotations: Mapping[str, str] | None = None,
    **fields: Any,  # noqa: ANN401 - any fields of an object
) -> Registration:
    """A registered object of a program; `needs` has the names of the objects that it depends on."""
    metadata = {"name": name, "namespace": "mlflow"} | ({"annotations": dict(annotations)} if annotations else {})
    return Registration(
        urn=f"{URN}{name}",
        type=f"kubernetes:core/v1:{kind}",
        name=name,
        component=component,
        custom=True,
        inputs={"apiVersion": API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **fields},
        has_secrets=has_secrets,
        protect=protect,
        ignored=ignored,
        dependencies=frozenset(f"{URN}{other}" for other in needs),
    )


@cache
def rendered(stack: str, *given: tuple[str, str]) -> Rendered:
    """A committed stack, with values of AWS resources."""
    source = read(stack)
    return render(source, stack, validate(source, stack).needed_secrets, dict(given))
