"""Rules for the rows that the server's role may see and write, derived from the tables' columns and foreign keys.

A table with a column `workspace` shows the rows of the transaction's workspace; every other table shows those whose
parent row is visible. What a row refers to has to be visible when it is written: PostgreSQL itself checks foreign keys
without regard to policies. MLflow also keeps ids without a foreign key, such as `model_versions.run_id`: they lead
nowhere, because whoever follows them meets the policy of the other table.

Pure functions: they use neither SQLAlchemy nor a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SETTING = "mlflow.workspace"
# Without a setting, or with an empty one, it is NULL: no row is equal to that.
WORKSPACE = f"NULLIF(current_setting('{SETTING}', true), '')"
ROOT_COLUMN = "workspace"
ALL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
NOTHING: frozenset[str] = frozenset()


class NoRuleError(Exception):
    """A table whose rows have neither a workspace nor a path of foreign keys to one; the message is its name."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as the database's catalog describes it."""

    columns: frozenset[str]
    required: frozenset[str]
    """Columns that are NOT NULL."""

    references: tuple[Reference, ...] = ()
    kind: str = "r"
    """`relkind` in pg_class: `r` and `p` are tables."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Rights of the server's role in a table; a table without privileges has no policy either."""

    visible: str = "false"
    """Condition for rows that it reads, changes and deletes."""

    writable: str = "false"
    """Condition for rows that it adds, and for changed rows."""

    privileges: frozenset[str] = ALL
    through: tuple[str, ...] = field(default=())
    """Tables that the conditions query."""


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def parent_visible(table: str, name: str, *, unique: bool = True, **columns: str) -> str:
    """Condition that a parent row is visible; the keywords are the parent's columns, their values this table's.

    For a unique row it is a scalar subquery: one look-up in an index. PostgreSQL may turn EXISTS into a scan of all
    visible parents for each statement; with EXISTS, logging a batch took twice as much longer.
    """
    joined = " AND ".join(f"parent.{quoted(theirs)} = {quoted(table)}.{quoted(own)}" for theirs, own in columns.items())
    rows = f"FROM public.{quoted(name)} AS parent WHERE {joined}"
    return f"(SELECT true {rows})" if unique else f"EXISTS (SELECT {rows})"


def _inputs() -> Rule:
    # MLflow writes (DATASET, RUN), (RUN_INPUT, MODEL_INPUT) and (RUN_OUTPUT, MODEL_OUTPUT): each has one run.
    visible = (
        f"CASE WHEN source_type IN ('RUN_INPUT', 'RUN_OUTPUT') THEN {parent_visible('inputs', 'runs', run_uuid='source_id')}"
        f" WHEN destination_type = 'RUN' THEN {parent_visible('inputs', 'runs', run_uuid='destination_id')} ELSE false END"
    )
    writable = (
        f"{visible} AND CASE WHEN source_type = 'DATASET' THEN"
        f" {parent_visible('inputs', 'datasets', unique=False, dataset_uuid='source_id')}"
        " WHEN destination_type IN ('MODEL_INPUT', 'MODEL_OUTPUT') THEN"
        f" {parent_visible('inputs', 'logged_models', model_id='destination_id')} ELSE false END"
    )
    return Rule(visible=visible, writable=writable, through=("runs", "datasets", "logged_models"))


def _associations() -> Rule:
    # An evaluation dataset is written after its associations, so those are judged by the experiment: their reader meets
    # the dataset's own policy. A prompt's version is a name in the trace's own workspace.
    experiment = (
        "(SELECT true FROM public.experiments AS parent WHERE parent.experiment_id ="
        " CASE WHEN destination_id ~ '^[0-9]{1,18}$' THEN destination_id::bigint END)"
    )
    visible = (
        f"CASE WHEN source_type = 'trace' THEN {parent_visible('entity_associations', 'trace_info', request_id='source_id')}"
        f" WHEN source_type = 'evaluation_dataset' AND destination_type = 'experiment' THEN {experiment} ELSE false END"
    )
    run = parent_visible("entity_associations", "runs", run_uuid="destination_id")
    return Rule(
        visible=visible,
        writable=f"{visible} AND CASE WHEN destination_type = 'run' THEN {run}"
        " ELSE destination_type IN ('experiment', 'prompt_version') END",
        through=("trace_info", "experiments", "runs"),
    )


def _of_experiment(table: str) -> Rule:
    visible = parent_visible(table, "experiments", experiment_id="experiment_id")
    return Rule(visible=visible, writable=visible, through=("experiments",))


def _written() -> dict[str, Rule]:
    """Rules for tables whose columns do not show the workspace. Reviewed with MLflow 3.17.2."""
    tag = parent_visible("input_tags", "inputs", unique=False, input_uuid="input_uuid")
    rollups = (
        "sql_assessment_daily_rollups",
        "sql_span_cost_daily_rollups",
        "sql_trace_metric_daily_rollups",
        "sql_trace_rollup_rebuild_queue",
    )
    return {
        # Every server reads at its start at which revision the schema is.
        "alembic_version": Rule(visible="true", privileges=frozenset({"SELECT"})),
        "inputs": _inputs(),
        "input_tags": Rule(visible=tag, writable=tag, through=("inputs",)),
        "entity_associations": _associations(),
        **{table: _of_experiment(table) for table in rollups},
        # Workspaces are namespaces here, and jobs are off.
        "workspaces": Rule(privileges=NOTHING),
        "scheduler_leases": Rule(privileges=NOTHING),
    }


WRITTEN = _written()


def rules(tables: Mapping[str, Table]) -> dict[str, Rule]:
    """The rule of every table.

    Raises:
        NoRuleError: a table has neither a workspace nor a foreign key that leads to one, and no rule is written for it;
            or a reference leads back to the same table, or to rows that no policy shows.
    """
    anchors = _anchors(tables)
    if missing := sorted(name for name in tables if name not in anchors):
        raise NoRuleError(", ".join(missing))
    found = {name: WRITTEN.get(name) or _derived(name, table, anchors[name]) for name, table in tables.items()}
    for name, rule in found.items():
        for parent in rule.through:
            if parent not in found or found[parent].visible == "false":
                raise NoRuleError(f"{name} (refers to {parent}, which nobody sees)")
        # PostgreSQL refuses every statement on such a table.
        if name in _asked(rule, found, anchors):
            raise NoRuleError(f"{name} (its references lead back to it)")
    return found


def _anchors(tables: Mapping[str, Table]) -> dict[str, Reference | None]:
    """By table, the reference on the shortest path to a workspace; None for tables that need no such reference."""
    tables = {name: table for name, table in tables.items() if table.kind in ("r", "p")}
    anchors: dict[str, Reference | None] = {
        name: None for name, table in tables.items() if name in WRITTEN or ROOT_COLUMN in table.required
    }
    useless = {name for name, rule in WRITTEN.items() if rule.visible in ("true", "false")}
    while True:
        known = anchors.keys() - useless
        usable = {
            name: [one for one in table.references if one.parent in known]
            for name, table in tables.items()
            if name not in anchors
        }
        reached = {
            name: min(obligatory, key=_order)
            for name, references in usable.items()
            if (obligatory := [one for one in references if tables[name].required.issuperset(one.columns)])
        }
        # A row without its only reference, such as a run without an experiment, is nobody's. With two, it could be
        # somebody's by the other.
        reached = reached or {
            name: some[0] for name, some in usable.items() if some and len(tables[name].references) == 1
        }
        if not reached:
            return anchors
        anchors |= reached


def _order(reference: Reference) -> tuple[object, ...]:
    return reference.parent, reference.columns


def _derived(name: str, table: Table, anchor: Reference | None) -> Rule:
    visible = f"{quoted(ROOT_COLUMN)} = {WORKSPACE}" if anchor is None else _condition(name, anchor)
    conditions, through = [visible], [] if anchor is None else [anchor.parent]
    for reference in sorted(table.references, key=_order):
        if reference == anchor or (anchor is None and _carries_workspace(reference)):
            continue
        free = [
            f"{quoted(name)}.{quoted(column)} IS NULL" for column in reference.columns if column not in table.required
        ]
        conditions.append(" OR ".join([*free, _condition(name, reference)]))
        through.append(reference.parent)
    writable = visible if len(conditions) == 1 else " AND ".join(f"({one})" for one in conditions)
    return Rule(visible=visible, writable=writable, through=tuple(dict.fromkeys(through)))


def _condition(table: str, reference: Reference) -> str:
    return parent_visible(
        table, reference.parent, **dict(zip(reference.parent_columns, reference.columns, strict=True))
    )


def _carries_workspace(reference: Reference) -> bool:
    """True if the foreign key itself demands a parent in the same workspace."""
    return (ROOT_COLUMN, ROOT_COLUMN) in zip(reference.columns, reference.parent_columns, strict=True)


def _asked(rule: Rule, found: Mapping[str, Rule], anchors: Mapping[str, Reference | None]) -> set[str]:
    """Tables whose policies PostgreSQL puts into a statement that writes under a rule."""
    asked: set[str] = set()
    left = list(rule.through)
    while left:
        table = left.pop()
        if table in asked:
            continue
        asked.add(table)
        anchor = anchors[table]
        left += found[table].through if table in WRITTEN else [] if anchor is None else [anchor.parent]
    return asked
