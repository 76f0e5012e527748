"""Puts the restored rows of one team in the place of its present ones, or adds those that are missing.

It works in the caller's transaction, after `team_rows.fetch`, and verifies the result there. The caller rolls back
after an exception.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
import team_rows
from row_owners import OWN
from row_rules import quoted
from sqlalchemy.exc import IntegrityError
from team_rows import NOBODY, Digests, Plan, literal, restored

UNIQUE_VIOLATION = "23505"


class RefusedError(Exception):
    """The restored rows conflict with existing ones; the message says how. Another attempt would fail too."""


class DifferentError(Exception):
    """The result is not the expected one; the message says where it differs."""


def replace(live: sqlalchemy.Connection, plan: Plan, team: str, wanted: dict[str, tuple[int, str]]) -> None:
    """Set the team's rows back to the restored ones.

    Args:
        live: the live database, in a transaction.
        plan: its tables.
        team: the workspace.
        wanted: digests of the restored rows, as `team_rows.of_workspace` gives them.

    Raises:
        RefusedError: a restored row has the key of another team's row, or a unique value of it.
        DifferentError: afterwards the team's rows are not the restored ones, or other teams' rows have changed.
    """
    before = team_rows.digests(live, plan)
    _delete_added(live, plan, team)
    for table in plan.tables:
        _update_changed(live, plan, table, team)
        _refuse_foreign(live, plan, table, team)
        _delete_nobodys(live, plan, table)
        _insert_missing(live, plan, table)
    # Rows that had outlived their run, which is back: they were added after it was as it is now.
    _delete_added(live, plan, team)
    after = team_rows.digests(live, plan)
    found = team_rows.of_workspace(after, team)
    if faults := [
        f"{table} has {_said(found.get(table))} instead of {_said(wanted.get(table))}"
        for table in plan.tables
        if found.get(table) != wanted.get(table)
    ]:
        raise DifferentError("; ".join(faults))
    _verify_others(before, after, team)


def add_missing(live: sqlalchemy.Connection, plan: Plan, team: str) -> int:
    """Add the restored rows whose keys are not there, and change nothing else; returns their number.

    Raises:
        RefusedError: a restored row has the key of another team's row, or a unique value of a row that is there.
        DifferentError: afterwards some are missing, or other teams' rows have changed.
    """
    before = team_rows.digests(live, plan)
    added = 0
    for table in plan.tables:
        _refuse_foreign(live, plan, table, team)
        added += _insert_missing(live, plan, table)
    if faults := [f"{name} lacks {one.missing}" for name, one in team_rows.differences(live, plan, team).items() if one.missing]:
        raise DifferentError("; ".join(faults))
    _verify_others(before, team_rows.digests(live, plan), team)
    return added


def _delete(live: sqlalchemy.Connection, table: str, places: str) -> None:
    live.exec_driver_sql(f"DELETE FROM public.{quoted(table)} AS gone USING ({places}) AS found WHERE gone.ctid = place")


def _delete_added(live: sqlalchemy.Connection, plan: Plan, team: str) -> None:
    """Delete the team's rows whose keys no restored row has."""
    for table in reversed(plan.tables):
        there = f"SELECT FROM {restored(table)} AS back WHERE {plan.same_key(table, 'back', OWN)}"
        _delete(live, table, f"{plan.theirs(table, team, f'{OWN}.ctid AS place')} AND NOT EXISTS ({there})")


def _update_changed(live: sqlalchemy.Connection, plan: Plan, table: str, team: str) -> None:
    """Set the team's rows back that differ from the restored row of the same key."""
    back = f"ROW({plan.listed(table, 'back.')})"
    with _explained(table):
        live.exec_driver_sql(
            f"UPDATE public.{quoted(table)} AS now SET ({plan.listed(table)}) = {back}"
            f" FROM {restored(table)} AS back, ({plan.theirs(table, team, f'{OWN}.ctid AS place')}) AS found"
            f" WHERE now.ctid = place AND {plan.same_key(table, 'now', 'back')}"
            f" AND ROW({plan.listed(table, 'now.')})::text <> {back}::text"
        )


def _insert_missing(live: sqlalchemy.Connection, plan: Plan, table: str) -> int:
    """Add the restored rows whose key is not there; returns their number."""
    columns = plan.listed(table)
    there = f"SELECT FROM public.{quoted(table)} AS there WHERE {plan.same_key(table, 'there', 'back')}"
    with _explained(table):
        return live.exec_driver_sql(
            f"INSERT INTO public.{quoted(table)} ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM {restored(table)} AS back WHERE NOT EXISTS ({there})"
        ).rowcount


@contextmanager
def _explained(table: str) -> Iterator[None]:
    """Raise RefusedError if a restored row has a unique value that another row has already."""
    try:
        yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", "") != UNIQUE_VIOLATION:
            raise
        detail = error.orig.diag.message_detail or error.orig.diag.message_primary
        raise RefusedError(f"a restored row of {table} collides with one that was made since then: {detail}") from None


def _same_keys(plan: Plan, table: str, what: str, condition: str) -> str:
    owner = plan.owners[table]
    return (
        f"SELECT {what} FROM {owner.rows(table)} JOIN {restored(table)} AS back"
        f" ON {plan.same_key(table, OWN, 'back')} WHERE {condition}"
    )


def _refuse_foreign(live: sqlalchemy.Connection, plan: Plan, table: str, team: str) -> None:
    owner = plan.owners[table].workspace
    query = _same_keys(plan, table, f"{owner} AS workspace, count(*) AS rows", f"{owner} <> {literal(team)} GROUP BY 1")
    if found := live.exec_driver_sql(query).first():
        raise RefusedError(f"{found.rows} restored rows of {table} belong to the workspace {found.workspace} today")


def _delete_nobodys(live: sqlalchemy.Connection, plan: Plan, table: str) -> None:
    """Delete rows of no workspace that have the key of a restored row."""
    owner = plan.owners[table].workspace
    _delete(live, table, _same_keys(plan, table, f"{OWN}.ctid AS place", f"{owner} IS NULL"))


def _verify_others(before: Digests, after: Digests, team: str) -> None:
    faults = [
        f"{table} of workspace {workspace} had {_said(before[table].get(workspace))} and has"
        f" {_said(after[table].get(workspace))}"
        for table in before
        for workspace in sorted((before[table].keys() | after[table].keys()) - {team, NOBODY})
        if before[table].get(workspace) != after[table].get(workspace)
    ]
    faults += [
        f"{table} has more rows that belong to no workspace"
        for table in before
        if after[table].get(NOBODY, (0, ""))[0] > before[table].get(NOBODY, (0, ""))[0]
    ]
    if faults:
        raise DifferentError("; ".join(faults))


def _said(digest: tuple[int, str] | None) -> str:
    return "no rows" if digest is None else f"{digest[0]} rows with hash {digest[1]}"
