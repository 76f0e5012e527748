"""The rows of one team in a restored database and in the live one: counted, compared, copied.

Both are read as the owner of the tables. The live database's transaction is REPEATABLE READ: it sees what was committed
when it began, and its own changes, so that nothing that other teams do meanwhile looks like a change of this one.
"""

import io
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import row_owners
import row_security
import sqlalchemy
from row_owners import OWN, Owner
from row_rules import quoted

_COLUMNS = """
    SELECT relname AS name, array_agg(attname::text ORDER BY attnum) AS columns
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') GROUP BY 1
"""
_KEYS = """
    SELECT relname AS name, (SELECT array_agg(attname::text ORDER BY place)
        FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'p' AND relnamespace = 'public'::regnamespace
"""
# Of rows that no path leads from to a workspace: those of a deleted run, where no foreign key deleted them with it.
NOBODY = ""

Digests = dict[str, dict[str, tuple[int, str]]]
"""Number of rows and their hash, by table and workspace."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Tables that have rows of workspaces, as the catalog of a database describes them."""

    tables: tuple[str, ...]
    """Tables, each after those that its rows refer to."""

    owners: Mapping[str, Owner]
    columns: Mapping[str, tuple[str, ...]]
    """Columns of each table, without those that PostgreSQL computes."""

    keys: Mapping[str, tuple[str, ...]]
    """Columns of the primary keys."""

    def listed(self, table: str, prefix: str = "") -> str:
        """A table's columns as an SQL list."""
        return ", ".join(prefix + quoted(column) for column in self.columns[table])

    def same_key(self, table: str, one: str, other: str) -> str:
        """Condition that two rows have the same primary key."""
        return " AND ".join(f"{one}.{quoted(column)} = {other}.{quoted(column)}" for column in self.keys[table])

    def theirs(self, table: str, team: str, what: str) -> str:
        """A query for `what` of the team's rows in a table."""
        owner = self.owners[table]
        return f"SELECT {what} FROM {owner.rows(table)} WHERE {owner.workspace} = {literal(team)}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Differences of a table from the restored rows: missing, changed and added ones."""

    missing: int
    changed: int
    added: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.added)


def literal(value: str) -> str:
    """A text as an SQL constant."""
    return "'" + value.replace("'", "''") + "'"


def restored(table: str) -> str:
    """Name of the temporary table with the restored rows of a table."""
    return f"pg_temp.{quoted(f'restored_{table}')}"


def plan_of(connection: sqlalchemy.Connection) -> Plan:
    """The plan of the connection's database.

    Raises:
        row_rules.NoRuleError: a table has no rule.
        row_owners.NoOrderError: foreign keys form a circle.
        KeyError: a table has no primary key.
    """
    tables = row_security.tables(connection)
    order = tuple(row_owners.order(tables))
    columns = {row.name: tuple(row.columns) for row in connection.exec_driver_sql(_COLUMNS)}
    keys = {row.name: tuple(row.columns) for row in connection.exec_driver_sql(_KEYS)}
    return Plan(
        tables=order,
        owners=row_owners.owners(tables),
        columns={name: columns[name] for name in order},
        keys={name: keys[name] for name in order},
    )


def digests(connection: sqlalchemy.Connection, plan: Plan) -> Digests:
    """Number and hash of the rows of every workspace in every table."""
    return {
        table: {
            row.workspace or NOBODY: (row.rows, row.hash)
            for row in connection.exec_driver_sql(row_owners.digest(table, plan.owners[table]))
        }
        for table in plan.tables
    }


def of_workspace(found: Digests, workspace: str) -> dict[str, tuple[int, str]]:
    """The digests of one workspace, by table; tables without its rows are left out."""
    return {table: by[workspace] for table, by in found.items() if workspace in by}


def fetch(scratch: sqlalchemy.Connection, live: sqlalchemy.Connection, plan: Plan, team: str) -> int:
    """Copy the team's rows of the restored database into temporary tables of the live session; returns their number."""
    rows = 0
    source, target = scratch.connection.driver_connection, live.connection.driver_connection
    for table in plan.tables:
        live.exec_driver_sql(f"CREATE TEMPORARY TABLE {quoted(f'restored_{table}')} (LIKE public.{quoted(table)})")
        query = plan.theirs(table, team, plan.listed(table, f"{OWN}."))
        with (
            source.cursor() as reader,
            target.cursor() as writer,
            reader.copy(f"COPY ({query}) TO STDOUT") as pieces,
            writer.copy(f"COPY {restored(table)} ({plan.listed(table)}) FROM STDIN") as sink,
        ):
            for piece in pieces:
                sink.write(piece)
        live.exec_driver_sql(f"ANALYZE {restored(table)}")
        rows += live.exec_driver_sql(f"SELECT count(*) FROM {restored(table)}").scalar_one()
    return rows


def differences(live: sqlalchemy.Connection, plan: Plan, team: str) -> dict[str, Difference]:
    """How the team's present rows differ from the restored ones, by table; equal tables are left out."""
    found: dict[str, Difference] = {}
    for table in plan.tables:
        key = quoted(plan.keys[table][0])
        row = live.exec_driver_sql(
            f"SELECT count(*) FILTER (WHERE present.{key} IS NULL) AS missing,"
            f" count(*) FILTER (WHERE back.{key} IS NULL) AS added,"
            f" count(*) FILTER (WHERE present.{key} IS NOT NULL AND back.{key} IS NOT NULL AND"
            f" ROW({plan.listed(table, 'present.')})::text <> ROW({plan.listed(table, 'back.')})::text) AS changed"
            f" FROM {restored(table)} AS back FULL JOIN ({plan.theirs(table, team, f'{OWN}.*')}) AS present"
            f" ON {plan.same_key(table, 'present', 'back')}"
        ).one()
        if one := Difference(missing=row.missing, changed=row.changed, added=row.added):
            found[table] = one
    return found


def keep(live: sqlalchemy.Connection, plan: Plan, team: str, file: Path) -> int:
    """Write the team's present rows into a compressed tar file, a CSV file for each table; returns their number."""
    rows = 0
    with tarfile.open(file, "w:gz", compresslevel=3) as archive:
        for table in plan.tables:
            query = plan.theirs(table, team, plan.listed(table, f"{OWN}."))
            with tempfile.TemporaryFile(dir=file.parent) as lines, live.connection.driver_connection.cursor() as reader:
                with reader.copy(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)") as pieces:
                    for piece in pieces:
                        lines.write(piece)
                rows += reader.rowcount
                entry = tarfile.TarInfo(f"{table}.csv")
                entry.size = lines.tell()
                lines.seek(0, io.SEEK_SET)
                archive.addfile(entry, lines)
    return rows
