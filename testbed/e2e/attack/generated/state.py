"""A team's whole state: digests of its rows in PostgreSQL, and the objects in the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Columns and foreign keys of every table, as JSON.
SCHEMA = """
SELECT json_build_object(
  'columns', (SELECT json_object_agg(t, c) FROM (
     SELECT table_name AS t, json_object_agg(column_name, data_type) AS c
     FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name) AS x),
  'keys', (SELECT json_agg(json_build_array(child, parent, columns, parents)) FROM (
     SELECT k.conrelid::regclass::text AS child, k.confrelid::regclass::text AS parent,
       (SELECT json_agg(a.attname ORDER BY n) FROM unnest(k.conkey) WITH ORDINALITY AS u(i, n)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.i) AS columns,
       (SELECT json_agg(a.attname ORDER BY n) FROM unnest(k.confkey) WITH ORDINALITY AS u(i, n)
          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.i) AS parents
     FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace ORDER BY 1, 2, k.conname
  ) AS y))
"""
WORKSPACE = "workspace"
# Tables without a way to a workspace name objects in columns of text. They hold ids of these.
NAMED = (
    ("experiments", "experiment_id"),
    ("runs", "run_uuid"),
    ("trace_info", "request_id"),
    ("logged_models", "model_id"),
    ("evaluation_datasets", "dataset_id"),
)
# Nothing in them belongs to a team.
GLOBAL = {"alembic_version", "scheduler_leases"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A foreign key."""

    child: str
    parent: str
    columns: tuple[str, ...]
    parents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """Tables of a database."""

    columns: Mapping[str, Mapping[str, str]]
    """Type of each column of each table."""

    keys: Sequence[Key]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Schema":
        """Read a schema from the answer to the query `SCHEMA`."""
        keys = [
            Key(child=child, parent=parent, columns=tuple(columns), parents=tuple(parents))
            for child, parent, columns, parents in document["keys"] or ()
        ]
        return cls(columns=document["columns"], keys=keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A team's state at a moment."""

    rows: Mapping[str, str] = field(repr=False)
    """Number and digest of the team's rows in each table."""

    objects: Mapping[str, str] = field(repr=False)
    """ETag of each object by its key."""

    def changes(self, later: "State") -> list[str]:
        """Differences from a later state."""
        tables = sorted(
            f"table {name}: {self.rows.get(name)} -> {later.rows.get(name)}"
            for name in {*self.rows, *later.rows}
            if self.rows.get(name) != later.rows.get(name)
        )
        objects = sorted(
            f"object {key}: {self.objects.get(key)} -> {later.objects.get(key)}"
            for key in {*self.objects, *later.objects}
            if self.objects.get(key) != later.objects.get(key)
        )
        return [*tables, *objects]


def conditions(schema: Schema, workspace: str) -> dict[str, str]:
    """For each table the SQL condition that a row belongs to, or names objects of, a workspace."""
    found = {
        table: f"{WORKSPACE} = {_quoted(workspace)}"
        for table, columns in schema.columns.items()
        if WORKSPACE in columns
    }
    while True:
        # One step further from the tables with a workspace, so that each gets its shortest way.
        step = {
            key.child: _below(key, found)
            for key in reversed(schema.keys)
            if key.child not in found and key.parent in found
        }
        if not step:
            break
        found |= step
    every = {
        # Each of several parents: a row may belong to one team and be attached to an object of another.
        table: " OR ".join(
            dict.fromkeys(
                [condition, *(_below(key, found) for key in schema.keys if key.child == table and key.parent in found)]
            )
        )
        for table, condition in found.items()
    }
    return every | {
        table: _names(schema, found, columns)
        for table, columns in schema.columns.items()
        if table not in found and table not in GLOBAL
    }


def statement(schema: Schema, workspace: str) -> str:
    """SQL that prints a line `TABLE|ROWS DIGEST` for each table."""
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '')"  # noqa: S608 - likewise
        f" FROM {table} AS r WHERE {condition}"
        for table, condition in sorted(conditions(schema, workspace).items())
    )


def read_rows(lines: str) -> dict[str, str]:
    """Digests from the output of `statement`."""
    # The digest of an empty table is empty, and the last line's blanks may have been stripped.
    return {name: value.strip() for name, _, value in (line.partition("|") for line in lines.splitlines()) if value}


def read_schema(text: str) -> Schema:
    """The schema from the output of `SCHEMA`."""
    return Schema.read(json.loads(text))


def _below(key: Key, known: Mapping[str, str]) -> str:
    """The condition that the parent of a row belongs to the workspace."""
    columns, parents = ", ".join(key.columns), ", ".join(key.parents)
    return f"({columns}) IN (SELECT {parents} FROM {key.parent} WHERE {known[key.parent]})"  # noqa: S608 - likewise


def _names(schema: Schema, known: Mapping[str, str], columns: Mapping[str, str]) -> str:
    ids = " UNION ".join(
        f"SELECT {column}::text FROM {table} WHERE {known[table]}"  # noqa: S608 - likewise
        for table, column in NAMED
        if column in schema.columns.get(table, {}) and table in known
    )
    asked = [f"{name}::text IN ({ids})" for name in sorted(columns) if name.endswith(("_id", "_uuid")) or name == "id"]
    return " OR ".join(asked) if asked and ids else "true"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
