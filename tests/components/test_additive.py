"""SQL statements of MLflow's own migrations, and others that a later release may have."""

import pytest

from components.scripts.additive import New, obstacles

HARMLESS = {
    "a new table": "CREATE TABLE issues (issue_id VARCHAR(36) NOT NULL, PRIMARY KEY (issue_id))",
    "a new column that may be empty": "ALTER TABLE jobs ADD COLUMN creator VARCHAR(255)",
    "a new column with a default": "ALTER TABLE trace_info ADD COLUMN generation INTEGER DEFAULT '0' NOT NULL",
    "a computed column": "ALTER TABLE spans ADD COLUMN d BIGINT GENERATED ALWAYS AS (b - a) STORED NOT NULL",
    "an index": "CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid, key, step)",
    "one index less": "\nDROP INDEX index_spans_experiment_id",
    "a function": "CREATE OR REPLACE FUNCTION f() RETURNS TRIGGER AS $$ BEGIN RETURN NEW; END; $$ LANGUAGE plpgsql",
}
IN_THE_WAY = {
    "a table less": ("DROP TABLE spans", "the statement is not known to be compatible"),
    "a column less": ("ALTER TABLE spans DROP COLUMN dimension_attributes", "the statement changes spans"),
    "another name for a column": (
        "ALTER TABLE jobs RENAME function_fullname TO job_name",
        "the statement changes jobs",
    ),
    "another name for a table": ("ALTER TABLE jobs RENAME TO tasks", "the statement changes jobs"),
    "another type": (
        "ALTER TABLE experiment_tags ALTER COLUMN value TYPE TEXT",
        "the statement changes experiment_tags",
    ),
    "a column that must be filled": (
        "ALTER TABLE runs ADD COLUMN owner VARCHAR(50) NOT NULL",
        "the old version does not set the new NOT NULL column runs.owner",
    ),
    "an old column that must be filled": (
        "ALTER TABLE runs ALTER COLUMN name SET NOT NULL",
        "the statement changes runs",
    ),
    "rows rewritten": ("UPDATE jobs SET status=5", "the statement changes rows of jobs"),
    "rows deleted": ("DELETE FROM runs WHERE status = 'x'", "the statement changes rows of runs"),
    "rows added": ("INSERT INTO workspaces (name) VALUES ('default')", "the statement changes rows of workspaces"),
    "a table emptied": ("TRUNCATE TABLE runs", "the statement changes rows of runs"),
    "values that have to be unique": (
        "CREATE UNIQUE INDEX unique_name ON endpoints (name)",
        "a unique index rejects rows that the old version may write to endpoints",
    ),
    "values that have to exist": (
        "ALTER TABLE runs ADD CONSTRAINT fk FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)",
        "the statement changes runs",
    ),
    "a trigger": (
        "CREATE TRIGGER t BEFORE UPDATE ON secrets FOR EACH ROW EXECUTE FUNCTION f()",
        "a trigger may change what is written to secrets",
    ),
    "what nobody has thought of": ("VACUUM FULL runs", "the statement is not known to be compatible"),
}
ON_WHAT_IS_NEW = (
    "CREATE TABLE evaluation (id INTEGER NOT NULL, hash TEXT)",
    "ALTER TABLE evaluation ADD CONSTRAINT u UNIQUE (id, hash)",
    "CREATE UNIQUE INDEX i ON evaluation (hash)",
    "ALTER TABLE evaluation ALTER COLUMN hash SET NOT NULL",
    "INSERT INTO evaluation VALUES (1, 'a')",
    "CREATE TRIGGER t BEFORE UPDATE ON evaluation FOR EACH ROW EXECUTE FUNCTION f()",
)


@pytest.mark.parametrize("statement", HARMLESS.values(), ids=HARMLESS)
def test_the_old_version_keeps_working_after(statement: str) -> None:
    assert obstacles([statement], New()) == []


@pytest.mark.parametrize(("statement", "why"), IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_the_old_version_cannot_work_after(statement: str, why: str) -> None:
    assert obstacles([statement], New()) == [f"{why}: {statement}"]


def test_what_is_new_may_be_changed_in_any_way() -> None:
    assert obstacles(ON_WHAT_IS_NEW, New()) == []


@pytest.mark.parametrize("statement", ON_WHAT_IS_NEW[1:])
def test_the_same_is_an_obstacle_where_the_table_is_old(statement: str) -> None:
    assert len(obstacles([statement], New())) == 1


def test_what_an_earlier_revision_made_is_still_new() -> None:
    new = New()
    assert obstacles(ON_WHAT_IS_NEW[:1], new) == []
    assert obstacles(ON_WHAT_IS_NEW[1:], new) == []


def test_a_new_column_may_point_somewhere() -> None:
    column = "ALTER TABLE endpoints ADD COLUMN experiment_id INTEGER"
    key = "ALTER TABLE endpoints ADD CONSTRAINT fk FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)"
    assert obstacles([column, key], New()) == []


def test_an_obstacle_shows_the_statement_in_one_line_that_is_not_too_long() -> None:
    (line,) = obstacles([f"UPDATE jobs\n\tSET   status = {'x' * 500}"], New())
    assert "UPDATE jobs SET status" in line
    assert len(line) < 200
