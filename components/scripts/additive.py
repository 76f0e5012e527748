"""Search for SQL statements in a schema migration with which a server of the old version cannot keep running.

The old version keeps working during and after a migration that removes, changes or restricts nothing that the old
version reads or writes. So the allowed statements are: new tables, new columns that are nullable or have a default, new
indexes that are not unique, and all statements that concern only new tables. Every statement that is not known to be
allowed is an obstacle.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_NAME = r'(?:"?\w+"?\.)?"?(?P<name>\w+)"?'
_TABLE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_NAME}", re.IGNORECASE)
_INDEX = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?\"?\w+\"? ON (?:ONLY )?{_NAME}",
    re.IGNORECASE,
)
_ALTER = re.compile(
    rf"ALTER TABLE (?:ONLY )?(?:IF EXISTS )?{_NAME} (?P<action>.*)", re.IGNORECASE | re.DOTALL
)
_ROWS = re.compile(rf"(?P<verb>INSERT INTO|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?) (?:ONLY )?{_NAME}", re.IGNORECASE)
_TRIGGER = re.compile(rf"CREATE (?:OR REPLACE )?TRIGGER .*? ON {_NAME}", re.IGNORECASE | re.DOTALL)
_NEW_COLUMN = re.compile(r'ADD COLUMN (?:IF NOT EXISTS )?"?(?P<column>\w+)"? (?P<definition>.*)', re.IGNORECASE)
_FOREIGN_KEY = re.compile(r"ADD CONSTRAINT \"?\w+\"? FOREIGN KEY ?\((?P<columns>[^)]*)\)", re.IGNORECASE)
# Without a dropped index the old version is only slower; the other statements concern new objects or none.
_HARMLESS = re.compile(
    r"(DROP INDEX|CREATE (OR REPLACE )?(FUNCTION|VIEW|SEQUENCE|TYPE|EXTENSION)|COMMENT ON|SET|ANALYZE)\b", re.IGNORECASE
)
_FILLED = re.compile(r"\b(DEFAULT|GENERATED)\b", re.IGNORECASE)
# Enough of a statement to find the statement in the migration.
_SHOWN_CHARACTERS = 120


@dataclass(slots=True)
class New:
    """Tables and columns that the migration has created so far; the old version does not use them."""

    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)


def obstacles(statements: Iterable[str], new: New) -> list[str]:
    """One line for each statement with which the old version cannot keep running: the reason and the statement.

    Adds to `new` the tables and columns that the statements create.
    """
    found: list[str] = []
    for statement in statements:
        line = " ".join(statement.split())
        if why := _obstacle(line, new):
            found.append(f"{why}: {line[:_SHOWN_CHARACTERS]}")
    return found


def _obstacle(line: str, new: New) -> str | None:
    if made := _TABLE.match(line):
        new.tables.add(made["name"])
        return None
    if index := _INDEX.match(line):
        if index["unique"] and index["name"] not in new.tables:
            return f"a unique index rejects rows that the old version may write to {index['name']}"
        return None
    if altered := _ALTER.match(line):
        return None if altered["name"] in new.tables else _alteration(altered["name"], altered["action"], new)
    if rows := _ROWS.match(line):
        return None if rows["name"] in new.tables else f"the statement changes rows of {rows['name']}"
    if trigger := _TRIGGER.match(line):
        return None if trigger["name"] in new.tables else f"a trigger may change what is written to {trigger['name']}"
    return None if _HARMLESS.match(line) else "the statement is not known to be compatible"


def _alteration(table: str, action: str, new: New) -> str | None:
    if column := _NEW_COLUMN.match(action):
        new.columns.add((table, column["column"]))
        definition = column["definition"]
        if re.search(r"\bNOT NULL\b", definition, re.IGNORECASE) and not _FILLED.search(definition):
            return f"the old version does not set the new NOT NULL column {table}.{column['column']}"
        return None
    if key := _FOREIGN_KEY.match(action):
        columns = {name.strip(' "') for name in key["columns"].split(",")}
        if all((table, name) in new.columns for name in columns):
            return None
    return f"the statement changes {table}"
