"""Tries every search of MLflow beyond the bounds of `filters`: `python -m mlflow_platform_server.filter_census`.

The build of the server's image runs it, with an SQLite file. It ends with status 1 if a search accepts a filter or a
list of sort keys beyond its bounds, or if MLflow parses filters with anything else than `sqlparse.parse`.
"""

import functools
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import sqlparse
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Tracking
from mlflow.utils.workspace_context import WorkspaceContext

from mlflow_platform_server import filters

CHARACTERS, CLAUSES, SORT_KEYS = 200, 2, 1
LONG = "tags.a = '" + "x" * CHARACTERS + "'"
WIDE = "tags.a = 'x' AND tags.b IN ('x') AND tags.c LIKE 'x'"
# Parameters with a filter, and those with a list of conditions or sort keys.
FILTER = re.compile(r"filter(s|_string\d?)?")
LISTS = filters.CONDITIONS | {filters.SORT_KEYS}
# What a call needs besides.
OTHERS: dict[str, Any] = {
    "experiment_ids": ["0"],
    "experiment_id": "0",
    "max_results": 10,
    "sample_rate": 0.1,
    "filter_string1": "tags.a = 'x'",
    "filter_string2": "tags.a = 'x'",
}
# Uses of the parser that `filters` does not stand in for.
BYPASS = re.compile(r"from sqlparse import|sqlparse\.(?:parsestream|format|split|engine\.FilterStack)\b")


class BeyondBoundsError(Exception):
    """A search was refused."""


def searches(store: Any) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """Name, parameter and call of every search beyond the bounds."""
    for name, method in inspect.getmembers(store, inspect.ismethod):
        parameters = inspect.signature(method).parameters.values()
        required = {
            one.name: OTHERS.get(one.name, "x")
            for one in parameters
            if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
        }
        for parameter in () if name.startswith("_") else parameters:
            for value in _beyond(parameter.name):
                yield name, parameter.name, functools.partial(method, **(required | {parameter.name: value}))


def _beyond(parameter: str) -> list[Any]:
    """Values beyond the bounds of a parameter; none if it has no bounds."""
    if parameter in LISTS:
        return [["a"] * (CLAUSES + 1)]
    return [LONG, WIDE] if FILTER.fullmatch(parameter) else []


def bypasses(package: Path) -> Iterator[str]:
    """Modules of MLflow that use the parser in another way than by `sqlparse.parse`."""
    for file in package.rglob("*.py"):
        if BYPASS.search(file.read_text(encoding="utf-8")):
            yield f"{file.relative_to(package)} does not read filters by sqlparse.parse"


def main() -> int:
    """Print the unbounded searches; returns the exit status."""
    os.environ["MLFLOW_ENABLE_WORKSPACES"] = "true"
    bounds = filters.SearchBounds(
        characters=CHARACTERS, clauses=CLAUSES, sort_keys=SORT_KEYS, refusal=BeyondBoundsError
    )
    filters.install(sqlparse, [Tracking, Registry], bounds)
    lines = [*bypasses(Path(mlflow.__file__).parent)]
    count = 0
    with tempfile.TemporaryDirectory() as folder, WorkspaceContext("default"):
        uri = f"sqlite:///{folder}/mlflow.db"
        for store in (Tracking(uri, folder), Registry(uri)):
            for name, parameter, call in searches(store):
                count += 1
                try:
                    call()
                except BeyondBoundsError:
                    continue
                except Exception as error:  # noqa: BLE001 - shown below
                    found = f"{type(error).__name__}: {error}"
                else:
                    found = "an answer"
                # A session of the store makes the refusal the text of an error of its own.
                if "server.bounds." not in found:
                    lines.append(f"{name}({parameter}) is not bounded: {found[:200]}")
    print(*lines or [f"{count} searches are bounded"], sep="\n", file=sys.stderr if lines else sys.stdout)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
