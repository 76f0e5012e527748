"""Test data in the database: copies of one run and one trace, and digests to compare before and after an upgrade."""

import json

from testbed.e2e import kube
from testbed.e2e.commands import Finished

RUNS = 10_000
TRACES = 1_000
POD = ("statefulset/postgres", "--namespace=mlflow")
SQL_SECONDS = 120
# Every run and trace gets the rows of the first ones. Ids are as long as MLflow's.
MULTIPLY = """
CREATE TEMP TABLE n AS SELECT to_char(i, 'FM00000000') || right(r.run_uuid, 24) AS id, r.run_uuid AS old, i
  FROM runs r, generate_series(1, {more_runs}) AS i WHERE r.run_uuid = '{run}';
INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,
                  source_version, lifecycle_stage, artifact_uri, experiment_id)
  SELECT n.id, 'run-' || n.i, source_type, source_name, entry_point_name, user_id, status, start_time + n.i,
         end_time + n.i, source_version, lifecycle_stage, replace(artifact_uri, n.old, n.id), experiment_id
  FROM runs JOIN n ON run_uuid = n.old;
INSERT INTO params (key, value, run_uuid) SELECT key, value || n.i, n.id FROM params JOIN n ON run_uuid = n.old;
INSERT INTO tags (key, value, run_uuid) SELECT key, value, n.id FROM tags JOIN n ON run_uuid = n.old;
INSERT INTO metrics (key, value, "timestamp", run_uuid, step, is_nan)
  SELECT key, value + n.i, "timestamp", n.id, step, is_nan FROM metrics JOIN n ON run_uuid = n.old;
INSERT INTO latest_metrics (key, value, "timestamp", step, is_nan, run_uuid)
  SELECT key, value + n.i, "timestamp", step, is_nan, n.id FROM latest_metrics JOIN n ON run_uuid = n.old;
CREATE TEMP TABLE t AS SELECT 'tr-' || to_char(i, 'FM00000000') || right(request_id, 24) AS id, request_id AS old, i
  FROM trace_info, generate_series(1, {more_traces}) AS i WHERE request_id = '{trace}';
INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, execution_time_ms, status, client_request_id,
                        request_preview, response_preview, db_payload_generation)
  SELECT t.id, experiment_id, timestamp_ms + t.i, execution_time_ms, status, client_request_id, request_preview,
         response_preview, db_payload_generation FROM trace_info JOIN t ON request_id = t.old;
INSERT INTO trace_tags (key, value, request_id) SELECT key, value, t.id FROM trace_tags JOIN t ON request_id = t.old;
INSERT INTO trace_request_metadata (key, value, request_id)
  SELECT key, value, t.id FROM trace_request_metadata JOIN t ON request_id = t.old;
INSERT INTO trace_metrics (key, value, request_id)
  SELECT key, value, t.id FROM trace_metrics JOIN t ON request_id = t.old;
INSERT INTO spans (trace_id, experiment_id, span_id, parent_span_id, name, type, status, start_time_unix_nano,
                   end_time_unix_nano, content, dimension_attributes)
  SELECT t.id, experiment_id, span_id, parent_span_id, name, type, status, start_time_unix_nano, end_time_unix_nano,
         replace(content, t.old, t.id), dimension_attributes FROM spans JOIN t ON trace_id = t.old;
ANALYZE;
"""
TABLES = """
SELECT json_object_agg(table_name, columns) FROM (
  SELECT table_name, json_agg(quote_ident(column_name) ORDER BY ordinal_position) AS columns
  FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name) AS found
"""


def command(*words: str, stdin: str = "", expected: int | None = 0) -> Finished:
    """Run a program in PostgreSQL's pod."""
    return kube.kubectl("exec", "--stdin", *POD, "--", *words, stdin=stdin, seconds=SQL_SECONDS, expected=expected)


def sql(statements: str, database: str = "mlflow") -> str:
    """Run SQL as PostgreSQL's superuser; returns the output."""
    options = ("--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--single-transaction")
    return command(
        "psql", "--username=postgres", f"--dbname={database}", *options, "--file=-", stdin=statements
    ).stdout.strip()


def multiply(*, run: str, trace: str, traces_there: int) -> None:
    """Copy the first runs and traces until there are as many as the rehearsal needs."""
    sql(MULTIPLY.format(run=run, trace=trace, more_runs=RUNS - 1, more_traces=TRACES - traces_there))


def columns() -> dict[str, list[str]]:
    """The columns of each table."""
    return json.loads(sql(TABLES))


def digests(of: dict[str, list[str]]) -> dict[str, str]:
    """Number and digest of each table's rows, computed from these columns only."""
    asked = " UNION ALL ".join(
        f"SELECT '{table}', count(*) || ' rows ' || coalesce(md5(string_agg(r::text, ',' ORDER BY r::text)), '')"  # noqa: S608 - names of the database itself
        f' FROM (SELECT {", ".join(names)} FROM "{table}") AS r'
        for table, names in of.items()
    )
    return dict(line.split("|", 1) for line in sql(asked).splitlines())


def revision() -> str:
    """The revision of the schema."""
    return sql("SELECT version_num FROM alembic_version")
