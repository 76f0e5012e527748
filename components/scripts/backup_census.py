"""The census: how many rows each table has for each workspace, with a hash, at a restore point that has a name.

A restore to that name has to give the same numbers: this is how a restore is proven. The rows are counted in one
snapshot, and the restore point is at the same place in the write-ahead log: no transaction was at work when either was
made. Tables that belong to no workspace are counted as a whole, under an empty name.
"""

import contextlib
import time
from datetime import UTC, datetime

import psycopg2
from row_rules import WRITTEN, Reference, Table, _anchors, quoted

ATTEMPTS = 200
PAUSE_SECONDS = 0.05
# How these tables belong to a workspace is not in their foreign keys (row_rules).
RUN_OF_INPUT = (
    "CASE WHEN own.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') THEN own.source_id"
    " WHEN own.destination_type = 'RUN' THEN own.destination_id END"
)
_COLUMNS = """
    SELECT relname, attname, attnotnull FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum
"""
_REFERENCES = """
    SELECT own.relname, parent.relname,
        (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
         JOIN pg_attribute ON attrelid = conrelid AND attnum = number),
        (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
         JOIN pg_attribute ON attrelid = confrelid AND attnum = number)
    FROM pg_constraint JOIN pg_class own ON own.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    WHERE contype = 'f' AND own.relnamespace = 'public'::regnamespace ORDER BY conname
"""


class BusyError(Exception):
    """There was no moment without a running transaction; the message says how long one was sought."""


def query(table, tables, anchors):
    """The statement that counts a table: rows of workspace, count and hash.

    The hash is the sum of the rows' hashes, so that their order does not matter.
    """
    joins, workspace = [], "''"
    alias, name = "own", table
    if table == "inputs" and "runs" in tables:
        joins.append(f"LEFT JOIN public.runs AS a0 ON a0.run_uuid = {RUN_OF_INPUT}")
        alias, name = "a0", "runs"
    while True:
        anchor = _anchor(name, tables, anchors)
        if anchor is None:
            break
        parent = f"a{len(joins)}"
        on = " AND ".join(
            f"{parent}.{quoted(theirs)} = {alias}.{quoted(own)}"
            for own, theirs in zip(anchor.columns, anchor.parent_columns, strict=True)
        )
        joins.append(f"LEFT JOIN public.{quoted(anchor.parent)} AS {parent} ON {on}")
        alias, name = parent, anchor.parent
    if name not in WRITTEN and "workspace" in tables[name].required:
        workspace = f"coalesce({alias}.workspace, '')"
    return (
        f"SELECT {workspace}, count(*), coalesce(sum(hashtextextended(own::text, 0)), 0)"
        f" FROM public.{quoted(table)} AS own {' '.join(joins)} GROUP BY 1 ORDER BY 1"
    )


def _anchor(name, tables, anchors):
    if name in WRITTEN:
        # The rollups of experiments have no foreign key.
        by_experiment = WRITTEN[name].through == ("experiments",) and "experiment_id" in tables[name].columns
        return Reference(columns=("experiment_id",), parent="experiments", parent_columns=("experiment_id",)) if by_experiment else None
    return anchors.get(name)


def counted(cursor):
    """Rows and hash of each table and workspace, as the cursor's snapshot shows them."""
    tables = _tables(cursor)
    anchors = _anchors(tables)
    found = {}
    for table in sorted(tables):
        cursor.execute(query(table, tables, anchors))
        found[table] = {workspace: [rows, str(digest)] for workspace, rows, digest in cursor.fetchall()}
    return found


def take(name, connect=psycopg2.connect):
    """The census at a new restore point of this name.

    Raises:
        BusyError: transactions were at work all the time.
    """
    with contextlib.closing(connect(dbname="mlflow")) as reader, contextlib.closing(connect(dbname="mlflow")) as marker:
        marker.autocommit = True
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with reader.cursor() as rows, marker.cursor() as marks:
            point, place = moment(reader, rows, marks, name)
            taken = datetime.now(UTC).isoformat()
            return {"name": point, "position": place, "time": taken, "tables": counted(rows)}


def moment(reader, rows, marks, name):
    """Begin the reader's snapshot and make the restore point, with no transaction at work meanwhile.

    Returns name and position of the restore point; each attempt has a name of its own.
    """
    for attempt in range(ATTEMPTS):
        rows.execute("SELECT pg_current_snapshot()::text")
        (seen,) = rows.fetchone()
        before, after, _ = seen.split(":")
        # Only without a transaction at work: the commit of one may be in the log before others see it.
        if before == after:
            marks.execute("SELECT pg_create_restore_point(%s)::text", (f"{name}-{attempt}",))
            (point,) = marks.fetchone()
            marks.execute("SELECT pg_current_snapshot()::text")
            if marks.fetchone() == (seen,):
                return f"{name}-{attempt}", point
        reader.rollback()
        time.sleep(PAUSE_SECONDS)
    raise BusyError(f"transactions were at work in all of {ATTEMPTS} moments within {ATTEMPTS * PAUSE_SECONDS:.0f} s")


def _tables(cursor):
    cursor.execute(_COLUMNS)
    columns = {}
    for table, column, required in cursor.fetchall():
        columns.setdefault(table, []).append((column, required))
    cursor.execute(_REFERENCES)
    references = {}
    for table, parent, own, theirs in cursor.fetchall():
        references.setdefault(table, []).append(
            Reference(columns=tuple(own), parent=parent, parent_columns=tuple(theirs))
        )
    return {
        table: Table(
            columns=frozenset(column for column, _ in pairs),
            required=frozenset(column for column, required in pairs if required),
            references=tuple(references.get(table, ())),
        )
        for table, pairs in columns.items()
    }
