"""The census: how each table's rows are found to belong to a workspace, and the moment at which they are counted."""

from typing import Any

import pytest

from tests.components.backup_scripts import module

HASHED = "count(*), coalesce(sum(hashtextextended(own::text, 0)), 0)"


@pytest.fixture(scope="module")
def script() -> Any:  # noqa: ANN401 - a module that is no part of a package
    return module("backup_census")


def tables(script: Any) -> dict[str, Any]:  # noqa: ANN401
    """A part of MLflow's schema."""

    def table(*columns: str, **parents: str) -> Any:  # noqa: ANN401
        references = tuple(
            script.Reference(columns=(column,), parent=parent, parent_columns=(column,))
            for column, parent in parents.items()
        )
        return script.Table(columns=frozenset(columns), required=frozenset(columns), references=references)

    return {
        "experiments": table("experiment_id", "workspace"),
        "runs": table("run_uuid", "experiment_id", experiment_id="experiments"),
        "metrics": table("key", "run_uuid", run_uuid="runs"),
        "inputs": table("source_type", "source_id", "destination_type", "destination_id"),
        "sql_trace_metric_daily_rollups": table("experiment_id", "day"),
        "alembic_version": table("version_num"),
    }


def query(script: Any, table: str) -> str:  # noqa: ANN401
    known = tables(script)
    return script.query(table, known, script._anchors(known))  # noqa: SLF001 - as the script does


def test_a_table_with_a_workspace_is_counted_by_it(script: Any) -> None:  # noqa: ANN401
    assert query(script, "experiments") == (
        f"SELECT coalesce(own.workspace, ''), {HASHED}"  # noqa: S608 - an expectation
        ' FROM public."experiments" AS own  GROUP BY 1 ORDER BY 1'
    )


def test_any_other_table_is_counted_by_the_workspace_of_its_parents(script: Any) -> None:  # noqa: ANN401
    assert query(script, "metrics") == (
        f"SELECT coalesce(a1.workspace, ''), {HASHED}"  # noqa: S608 - an expectation
        ' FROM public."metrics" AS own'
        ' LEFT JOIN public."runs" AS a0 ON a0."run_uuid" = own."run_uuid"'
        ' LEFT JOIN public."experiments" AS a1 ON a1."experiment_id" = a0."experiment_id"'
        " GROUP BY 1 ORDER BY 1"
    )


def test_tables_without_foreign_keys_are_counted_by_their_run_or_experiment(script: Any) -> None:  # noqa: ANN401
    assert "LEFT JOIN public.runs AS a0 ON a0.run_uuid = CASE WHEN own.source_type IN" in query(script, "inputs")
    assert "coalesce(a1.workspace, '')" in query(script, "inputs")
    rollups = query(script, "sql_trace_metric_daily_rollups")
    assert 'LEFT JOIN public."experiments" AS a0 ON a0."experiment_id" = own."experiment_id"' in rollups


def test_a_table_of_no_workspace_is_counted_as_a_whole(script: Any) -> None:  # noqa: ANN401
    assert query(script, "alembic_version").startswith(f"SELECT '', {HASHED} FROM")


class Cursor:
    """A cursor that answers each statement by its first words."""

    def __init__(self, snapshots: list[str]) -> None:
        self.snapshots = snapshots
        self.points: list[str] = []
        self._answer: tuple[str, ...] = ()

    def execute(self, statement: str, values: tuple[str, ...] = ()) -> None:
        """Run a statement."""
        if "pg_create_restore_point" in statement:
            self.points.append(values[0])
            self._answer = ("0/8000148",)
        else:
            self._answer = (self.snapshots.pop(0),)

    def fetchone(self) -> tuple[str, ...]:
        """The only row of the answer."""
        return self._answer


class Session:
    """A session whose snapshot can be released."""

    def rollback(self) -> None:
        """Release the snapshot."""


def moment(script: Any, seen: list[str], after: list[str]) -> tuple[tuple[str, str], list[str]]:  # noqa: ANN401
    marks = Cursor(after)
    return script.moment(Session(), Cursor(seen), marks, "b1"), marks.points


def test_the_restore_point_is_made_while_no_transaction_is_at_work(
    script: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(script, "PAUSE_SECONDS", 0)
    # One is at work at first; then one begins and ends between snapshot and restore point; then there is none.
    found, points = moment(script, ["780:782:780", "782:782:", "783:783:"], ["783:783:", "783:783:"])
    assert found == ("b1-2", "0/8000148")
    assert points == ["b1-1", "b1-2"]


def test_it_is_said_if_there_was_no_such_moment(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setattr(script, "PAUSE_SECONDS", 0)
    with pytest.raises(script.BusyError, match="in all of 200 moments"):
        moment(script, ["780:782:780"] * 200, [])
