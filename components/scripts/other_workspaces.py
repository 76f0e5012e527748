"""Counts what belongs to other workspaces than `default`: if MLflow ran without workspaces, nobody would see it.

MLflow itself makes this check when it starts, but as the server's role, from which row-level security hides those rows.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# Tables with the objects that people look for, and what a message calls one of their rows.
OBJECTS = {
    "experiments": "experiment",
    "registered_models": "registered model",
    "evaluation_datasets": "evaluation dataset",
    "webhooks": "webhook",
}
MOST_NAMES = 5
_TABLES = """
    SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'workspace'
"""

Counts = dict[str, dict[str, int]]


def counted(engine: Any, default: str) -> Counts:
    """The number of rows by table and workspace, without those of the workspace `default` and without zeros.

    A database from before MLflow had workspaces has no such rows.
    """
    with engine.connect() as connection:
        tables = {row[0] for row in connection.exec_driver_sql(_TABLES)}
        found = {
            table: dict(
                tuple(row)
                for row in connection.exec_driver_sql(
                    f'SELECT workspace, count(*) FROM public."{table}" WHERE workspace <> %s GROUP BY 1', (default,)
                )
            )
            for table in OBJECTS
            if table in tables
        }
    return {table: counts for table, counts in found.items() if counts}


def description(found: Mapping[str, Mapping[str, int]]) -> str:
    """The numbers and the workspaces: `4 experiments and 1 webhook in the workspaces pricing, research`."""
    numbers = [_number(OBJECTS[table], sum(counts.values())) for table, counts in found.items()]
    names = sorted({name for counts in found.values() for name in counts})
    return f"{_joined(numbers)} in the workspace{'s' if len(names) > 1 else ''} {_listed(names)}"


def _number(what: str, count: int) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _joined(parts: list[str]) -> str:
    return " and ".join([part for part in (", ".join(parts[:-1]), parts[-1]) if part])


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
