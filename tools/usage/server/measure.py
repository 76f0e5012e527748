"""Count what teams have stored; runs in the server's pod as `python3 - TEAMS`, where TEAMS is a JSON list.

Prints a line of JSON for each team, and one for the whole database. It reads only. The database shows a transaction the
rows of one workspace (row-level security), so each table is counted once for each team.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import psycopg

STATEMENT_SECONDS = 600
# Of some tables, such as those of MLflow's own scheduler, the server's role has no rights on purpose.
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relrowsecurity
AND has_table_privilege(oid, 'SELECT') ORDER BY relname
"""


def server_options():
    """Backend store and artifact destination of the server, from the command line of the container's first process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend-store-uri", default="")
    parser.add_argument("--artifacts-destination", default="")
    known, _ = parser.parse_known_args(Path("/proc/1/cmdline").read_text().split("\0"))
    return known


def rows(connection, tables, workspace):
    """Number of a workspace's rows by table, and the bytes of all of them, without indexes."""
    counted, size = {}, 0
    with connection.transaction():
        connection.execute("SELECT set_config('mlflow.workspace', %s, true)", (workspace,))
        for table in tables:
            statement = psycopg.sql.SQL("SELECT count(*), coalesce(sum(pg_column_size(t.*)), 0)::bigint FROM {} t")
            count, content = connection.execute(statement.format(psycopg.sql.Identifier(table))).fetchone()
            counted[table] = count
            size += content
    return counted, size


def files(destination, folder):
    """Number and bytes of the files in a folder of the artifact store."""
    parts = urlsplit(destination)
    if parts.scheme == "file" or not parts.scheme:
        sizes = [file.stat().st_size for file in (Path(parts.path) / folder).rglob("*") if file.is_file()]
    else:
        client = boto3.client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"))
        prefix = "/".join(part for part in (parts.path.strip("/"), folder) if part)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=f"{prefix}/" if prefix else "")
        sizes = [one["Size"] for page in pages for one in page.get("Contents", [])]
    return len(sizes), sum(sizes)


def main():
    """Print a line for each team."""
    options = server_options()
    uri = options.backend_store_uri
    if not uri.startswith("postgresql"):
        sys.exit("only teams in PostgreSQL can be counted: SQLite has no row-level security")
    with psycopg.connect(uri.replace("postgresql+psycopg:", "postgresql:", 1), autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
        tables = [name for (name,) in connection.execute(TABLES)]
        for team in json.loads(sys.argv[1]):
            # Without workspaces everything belongs to MLflow's default one, and lies at the root of the store.
            workspace, folder = ("default", "") if team["single"] else (team["name"], f"workspaces/{team['name']}")
            counted, size = rows(connection, tables, workspace)
            number, content = files(options.artifacts_destination, folder)
            line = {"team": team["name"], "rows": counted, "row_bytes": size, "files": number, "file_bytes": content}
            print(json.dumps(line), flush=True)
        (total,) = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        print(json.dumps({"database_bytes": total}), flush=True)


main()
