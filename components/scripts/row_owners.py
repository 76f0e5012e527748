"""The workspace of each row, as SQL for a session that sees all rows: that of the tables' owner.

`row_rules` has conditions for one workspace, and PostgreSQL follows a path through the policies of the parent tables.
Here the same paths are joins, so that one query counts the rows of every workspace.

Pure functions: they use neither SQLAlchemy nor a database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import row_rules
from row_rules import ROOT_COLUMN, Reference, Table, quoted

# What a query calls the table whose rows it judges.
OWN = "own"


class NoOrderError(Exception):
    """Foreign keys form a circle; the message names its tables."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Joins and an expression that give the workspace of each row of a table; NULL for a row of no workspace."""

    joins: tuple[str, ...]
    workspace: str

    def rows(self, table: str) -> str:
        """A FROM clause with the table as `own`."""
        return " ".join([f"public.{quoted(table)} AS {OWN}", *self.joins])


@dataclass(frozen=True, kw_only=True)
class Step:
    """The join to a parent table that no foreign key names."""

    parent: str
    condition: Callable[[str, str], str]
    """The join's condition, from the names of the row and of the parent."""

    distinct: str | None = None
    """Column that may occur more than once in the parent: only one of these rows counts."""


def _of_experiment(own: str, parent: str) -> str:
    return f"{parent}.experiment_id = {own}.experiment_id"


def _of_input(own: str, parent: str) -> str:
    run = (
        f"CASE WHEN {own}.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') THEN {own}.source_id"
        f" WHEN {own}.destination_type = 'RUN' THEN {own}.destination_id END"
    )
    return f"{parent}.run_uuid = {run}"


# The written rules of row_rules.py, each as the step that it describes.
STEPS = {
    "inputs": Step(parent="runs", condition=_of_input),
    "input_tags": Step(
        parent="inputs", condition=lambda own, parent: f"{parent}.input_uuid = {own}.input_uuid", distinct="input_uuid"
    ),
    **{
        table: Step(parent="experiments", condition=_of_experiment)
        for table in (
            "sql_assessment_daily_rollups",
            "sql_span_cost_daily_rollups",
            "sql_trace_metric_daily_rollups",
            "sql_trace_rollup_rebuild_queue",
        )
    },
}
ASSOCIATIONS = Owner(
    joins=(
        f'LEFT JOIN public."trace_info" AS trace ON {OWN}.source_type = \'trace\' AND trace.request_id = {OWN}.source_id',
        'LEFT JOIN public."experiments" AS experiment ON experiment.experiment_id ='
        f" CASE WHEN {OWN}.source_type = 'trace' THEN trace.experiment_id"
        f" WHEN {OWN}.source_type = 'evaluation_dataset' AND {OWN}.destination_type = 'experiment'"
        f" AND {OWN}.destination_id ~ '^[0-9]{{1,18}}$' THEN {OWN}.destination_id::bigint END",
    ),
    workspace=f"experiment.{quoted(ROOT_COLUMN)}",
)
# Tables of the whole installation.
NOBODYS = frozenset({"alembic_version", "workspaces", "scheduler_leases"})


def owners(tables: Mapping[str, Table]) -> dict[str, Owner]:
    """How to find the workspace of the rows of every table that has rows of workspaces.

    Raises:
        row_rules.NoRuleError: a table has no rule.
    """
    if unknown := row_rules.WRITTEN.keys() - STEPS.keys() - NOBODYS - {"entity_associations"}:
        raise row_rules.NoRuleError(", ".join(sorted(unknown)))
    row_rules.rules(tables)
    anchors = row_rules._anchors(tables)
    return {name: _owner(name, anchors) for name in sorted(tables) if name not in NOBODYS}


def order(tables: Mapping[str, Table]) -> list[str]:
    """The tables with rows of workspaces, each after those that its rows refer to.

    Raises:
        NoOrderError: there is no such order.
    """
    names = [name for name in sorted(tables) if name not in NOBODYS]
    parents = {name: {one.parent for one in tables[name].references} for name in names}
    for name, step in STEPS.items():
        if name in parents:
            parents[name].add(step.parent)
    if "entity_associations" in parents:
        parents["entity_associations"] |= {"trace_info", "experiments"}
    graph = {name: {one for one in found if one != name and one in parents} for name, found in parents.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise NoOrderError(", ".join(error.args[1])) from None


def digest(table: str, owner: Owner) -> str:
    """A query for workspace, number of rows and a hash of them that does not depend on their order."""
    return (
        f"SELECT {owner.workspace} AS workspace, count(*) AS rows,"
        f" coalesce(sum(hashtextextended({OWN}::text, 0)), 0)::text AS hash FROM {owner.rows(table)} GROUP BY 1"
    )


def _owner(table: str, anchors: Mapping[str, Reference | None]) -> Owner:
    if table == "entity_associations":
        return ASSOCIATIONS
    joins, alias = [], OWN
    while True:
        parent = f"parent_{len(joins) + 1}"
        if step := STEPS.get(table):
            rows = f"public.{quoted(step.parent)}"
            if step.distinct:
                column = quoted(step.distinct)
                rows = f"(SELECT DISTINCT ON ({column}) * FROM {rows} ORDER BY {column}, source_type, source_id)"
            joins.append(f"LEFT JOIN {rows} AS {parent} ON {step.condition(alias, parent)}")
            table = step.parent
        elif anchor := anchors[table]:
            pairs = zip(anchor.parent_columns, anchor.columns, strict=True)
            condition = " AND ".join(f"{parent}.{quoted(theirs)} = {alias}.{quoted(own)}" for theirs, own in pairs)
            joins.append(f"LEFT JOIN public.{quoted(anchor.parent)} AS {parent} ON {condition}")
            table = anchor.parent
        else:
            return Owner(joins=tuple(joins), workspace=f"{alias}.{quoted(ROOT_COLUMN)}")
        alias = parent
