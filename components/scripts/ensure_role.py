"""Job script that creates MLflow's two roles and its database as the PostgreSQL server's administrator, and tests them.

The first role owns the database; MLflow's server signs in as the second one, to which the schema migration grants its
privileges. The Job runs before the schema migration, and again after a change of a password or a name. An existing role
with more attributes than MLflow needs, or an existing database with another owner, is not changed: the Job fails
instead. psycopg quotes all names. The script sends passwords as SCRAM verifiers, so PostgreSQL's statement log never
contains them.

Exit codes: 0 done; 20 the administrator cannot sign in or lacks a privilege; 21 the role has attributes that MLflow
must not have, or is the administrator; 22 the database has another owner; 23 the database's encoding is not UTF8;
24 the server is too old; 25 the role cannot sign in, or cannot create tables; 1 an error that may go away with another
try.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import NoReturn

import psycopg
from psycopg.sql import SQL, Identifier, Literal

ADMINISTRATOR, ROLE_RIGHTS, FOREIGN_DATABASE, ENCODING, TOO_OLD, ROLE_USELESS = 20, 21, 22, 23, 24, 25
# The first version in which the schema `public` belongs to the owner of the database, and other roles cannot use it to
# create objects.
OLDEST = 15
# From this version on, the creator of a role does not get the options INHERIT and SET for the role.
CREATOR_IS_NO_MEMBER = 16
# Key of an advisory lock, so that two platforms do not change the server at the same time: any number that no other
# program uses on this server.
LOCK = 0x4D4C4652
# Time for a server that was just created, or is failing over.
PATIENCE_SECONDS = 60
# Temporary files of one session of MLflow's server: more than sorting a million runs takes.
TEMPORARY = "512MB"
CONNECT_SECONDS = 10
# Errors of libpq for which another try is useless: the server refuses the connection, except while the server is
# starting or has no free connection, or the server's certificate is wrong.
FINAL = re.compile(r"FATAL: (?!the database system|sorry, too many|remaining connection)|certificate|not support SSL")

ROLE, SERVER_ROLE, DATABASE = environ["ROLE"], environ["SERVER_ROLE"], environ["DATABASE"]
SERVER = f"{environ['PGHOST']}:{environ['PGPORT']}"
# Role attributes that reach beyond one database, by column of pg_roles.
RIGHTS = {
    "rolsuper": "SUPERUSER",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}


def finish(code: int, message: str) -> NoReturn:
    """Exit with `code`, and print `message` and write it to the termination log.

    `kubectl describe` and Pulumi's error message show the termination log.
    """
    print(message, flush=True)
    Path("/dev/termination-log").write_text(message, encoding="utf-8")
    sys.exit(code)


def administrator() -> tuple[str, str]:
    """Name and password of the administrator, from the Job's environment or from AWS Secrets Manager."""
    arn = environ.get("ADMINISTRATOR_SECRET_ARN")
    if arn is None:
        return environ["ADMINISTRATOR_USER"], environ["ADMINISTRATOR_PASSWORD"]
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    # New permissions take effect at AWS with a delay.
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > end:
                finish(1, f"the administrator's secret {arn} cannot be read from AWS Secrets Manager: {error}")
            time.sleep(2)
        else:
            return found["username"], found["password"]


def connected(code: int, who: str, *, user: str, password: str, database: str) -> psycopg.Connection:
    """Connect to the PostgreSQL server, and retry for `PATIENCE_SECONDS` while the server does not answer.

    If the server refuses the connection, exit with `code`. `who` is the subject of the error message, for example
    `the administrator`.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return psycopg.connect(
                user=user, password=password, dbname=database, connect_timeout=CONNECT_SECONDS, autocommit=True
            )
        except psycopg.OperationalError as error:
            said = " ".join(str(error).split())
            if FINAL.search(said):
                finish(code, f"{who} cannot sign in to database {database} at {SERVER}: {said}")
            if time.monotonic() > end:
                finish(1, f"no connection to the server {SERVER} for {PATIENCE_SECONDS} s: {said}")
            time.sleep(2)


def ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """Create the role if it is missing, and set its password; exit if an existing role has an attribute in `RIGHTS`."""
    columns = SQL(", ").join(map(Identifier, RIGHTS))
    found = connection.execute(SQL("SELECT {} FROM pg_roles WHERE rolname = %s").format(columns), [role]).fetchone()
    if found is not None:
        excess = [right for right, has in zip(RIGHTS.values(), found, strict=True) if has]
        if excess:
            finish(
                ROLE_RIGHTS,
                f"role {role} at {SERVER} has {', '.join(excess)}, which MLflow must not have: "
                "remove these attributes (ALTER ROLE), or choose another database.user",
            )
    else:
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
        print(f"created role {role}", flush=True)
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    inherits = SQL("NOINHERIT" if role == SERVER_ROLE else "INHERIT")
    connection.execute(SQL("ALTER ROLE {} LOGIN {} PASSWORD {}").format(Identifier(role), inherits, Literal(verifier)))


def bound_server_role(connection: psycopg.Connection) -> None:
    """Bound the temporary files of the server's sessions, if the administrator is allowed to.

    All other bounds the server sets itself. This one needs a superuser, or the privilege SET on the parameter.
    """
    try:
        connection.execute(
            SQL("ALTER ROLE {} SET temp_file_limit = {}").format(Identifier(SERVER_ROLE), Literal(TEMPORARY))
        )
    except psycopg.errors.InsufficientPrivilege:
        print(
            f"role {SERVER_ROLE} may fill the disk of {SERVER} with temporary files: only a superuser may set its"
            f" temp_file_limit (ALTER ROLE ... SET temp_file_limit = '{TEMPORARY}')",
            flush=True,
        )


@contextmanager
def acting_as_role(connection: psycopg.Connection, version: int) -> Iterator[None]:
    """Make the administrator a member of MLflow's role until the end of the block, if it is not one already.

    An administrator who is not a superuser can make a role the owner of a database, or change the role's objects, only
    as a member of that role.
    """
    needed = ("USAGE", "SET") if version >= CREATOR_IS_NO_MEMBER else ("USAGE",)
    held = [
        connection.execute("SELECT pg_has_role(CURRENT_USER, %s, %s)", [ROLE, right]).fetchone() for right in needed
    ]
    if all(found == (True,) for found in held):
        yield
        return
    options = SQL("WITH INHERIT TRUE, SET TRUE" if version >= CREATOR_IS_NO_MEMBER else "")
    connection.execute(SQL("GRANT {} TO CURRENT_USER {}").format(Identifier(ROLE), options))
    try:
        yield
    finally:
        connection.execute(SQL("REVOKE {} FROM CURRENT_USER").format(Identifier(ROLE)))


def ensure_database(connection: psycopg.Connection) -> None:
    """Create the database with the role as owner if it is missing, and revoke all privileges of PUBLIC on it.

    Exit if an existing database has another owner, or an encoding other than UTF8.
    """
    found = connection.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", [DATABASE]
    ).fetchone()
    if found is None:
        connection.execute(
            SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                Identifier(DATABASE), Identifier(ROLE)
            )
        )
        print(f"created database {DATABASE}", flush=True)
    elif found[0] != ROLE:
        finish(
            FOREIGN_DATABASE,
            f"database {DATABASE} at {SERVER} belongs to role {found[0]}: change its owner to {ROLE} "
            "(ALTER DATABASE ... OWNER TO), or choose another database.name",
        )
    elif found[1] != "UTF8":
        finish(ENCODING, f"database {DATABASE} has encoding {found[1]}, expected UTF8: choose another database.name")
    connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(DATABASE)))
    connection.execute(
        SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(DATABASE), Identifier(SERVER_ROLE))
    )


def main() -> NoReturn:
    passwords = {ROLE: environ["ROLE_PASSWORD"], SERVER_ROLE: environ["SERVER_PASSWORD"]}
    user, secret = administrator()
    if user in passwords:
        finish(ROLE_RIGHTS, f"database.user {user} is also the administrator: choose another database.user")
    who = f"the administrator {user}"
    with connected(ADMINISTRATOR, who, user=user, password=secret, database="postgres") as connection:
        version = connection.info.server_version // 10000
        if version < OLDEST:
            finish(
                TOO_OLD,
                f"{SERVER} is PostgreSQL {version}, expected {OLDEST} or newer: create the role and the database by"
                " hand, and remove database.administrator",
            )
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            for role, password in passwords.items():
                ensure_role(connection, role, password)
            bound_server_role(connection)
            with acting_as_role(connection, version):
                ensure_database(connection)
                with connected(ADMINISTRATOR, who, user=user, password=secret, database=DATABASE) as inside:
                    inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        except psycopg.errors.InsufficientPrivilege as error:
            finish(ADMINISTRATOR, f"{who} lacks a privilege at {SERVER}, expected CREATEROLE and CREATEDB: {error}")
    server = passwords[SERVER_ROLE]
    connected(ROLE_USELESS, f"role {SERVER_ROLE}", user=SERVER_ROLE, password=server, database=DATABASE).close()
    owner = passwords[ROLE]
    with connected(ROLE_USELESS, f"role {ROLE}", user=ROLE, password=owner, database=DATABASE) as connection:
        able = connection.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()
    if able != (True,):
        finish(ROLE_USELESS, f"role {ROLE} cannot create tables in the schema public of database {DATABASE}")
    finish(0, f"role {ROLE} owns database {DATABASE} at {SERVER}, and {SERVER_ROLE} can sign in to it")


if __name__ == "__main__":
    main()
