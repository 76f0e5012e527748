"""Makes MLflow's two roles and its database as the server's administrator, and proves that the roles can sign in.

Runs in a Job before the schema migration, and again whenever a password or a name changes. What is there already stays:
a role that may do more than MLflow needs, or a database of somebody else's, ends the Job instead of being changed.
Names are quoted by psycopg; the password reaches the server as its SCRAM verifier, which no log of statements gives
away. The first role owns the database; MLflow's server signs in as the second one, which gets what it may do from the
schema migration.

Exit codes: 0 done; 20 the administrator cannot sign in; 21 the role has other rights; 22 the database is somebody
else's; 23 its encoding is not UTF8; 24 the server is too old; 25 the role cannot sign in, or cannot create a table;
1 anything that another try may change.
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
# The first version in which the schema `public` belongs to the owner of the database, and is closed to others.
OLDEST = 15
# From this one on, creating a role does not make its creator a member of it that could act in its name.
CREATOR_IS_NO_MEMBER = 16
# Any number that no other program uses on this server: two platforms take turns.
LOCK = 0x4D4C4652
# A server that was just made, or is just failing over, is given a minute.
PATIENCE_SECONDS = 60
CONNECT_SECONDS = 10
# What libpq says when the server itself refused, unless it is starting or full, and when its certificate is not right.
FINAL = re.compile(r"FATAL: (?!the database system|sorry, too many|remaining connection)|certificate|not support SSL")

ROLE, SERVER_ROLE, DATABASE = environ["ROLE"], environ["SERVER_ROLE"], environ["DATABASE"]
SERVER = f"{environ['PGHOST']}:{environ['PGPORT']}"
# Rights that reach beyond one database.
RIGHTS = {
    "rolsuper": "SUPERUSER",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}


def finish(code: int, message: str) -> NoReturn:
    """Leave the message where `kubectl describe` and the deployment's error text show it."""
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

    # Rights that were just given take a while to spread at AWS.
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > end:
                finish(1, f"the administrator's secret {arn} cannot be read: {error}")
            time.sleep(2)
        else:
            return found["username"], found["password"]


def connected(code: int, who: str, *, user: str, password: str, database: str) -> psycopg.Connection:
    """A connection, with patience for a server that does not answer yet."""
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
                finish(1, f"{SERVER} was not reached for {PATIENCE_SECONDS} s: {said}")
            time.sleep(2)


def ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """The role exists, has no rights beyond its own things, and has this password."""
    columns = SQL(", ").join(map(Identifier, RIGHTS))
    found = connection.execute(SQL("SELECT {} FROM pg_roles WHERE rolname = %s").format(columns), [role]).fetchone()
    if found is not None:
        excess = [right for right, has in zip(RIGHTS.values(), found, strict=True) if has]
        if excess:
            finish(
                ROLE_RIGHTS,
                f"role {role} exists at {SERVER} with {', '.join(excess)}, which MLflow must not have: "
                "take these away (ALTER ROLE), or choose another database.user",
            )
    else:
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
        print(f"created role {role}", flush=True)
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    inherits = SQL("NOINHERIT" if role == SERVER_ROLE else "INHERIT")
    connection.execute(SQL("ALTER ROLE {} LOGIN {} PASSWORD {}").format(Identifier(role), inherits, Literal(verifier)))


@contextmanager
def acting_as_role(connection: psycopg.Connection, version: int) -> Iterator[None]:
    """Who is no superuser hands over, and changes, only what belongs to a role that it is a member of."""
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
    """The database exists, belongs to the role, and is closed to everybody else."""
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
            f"database {DATABASE} exists at {SERVER} and belongs to {found[0]}: give it to {ROLE} "
            "(ALTER DATABASE ... OWNER TO), or choose another database.name",
        )
    elif found[1] != "UTF8":
        finish(ENCODING, f"database {DATABASE} has the encoding {found[1]}, and MLflow needs UTF8: choose another")
    connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(DATABASE)))
    connection.execute(
        SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(DATABASE), Identifier(SERVER_ROLE))
    )


def main() -> NoReturn:
    passwords = {ROLE: environ["ROLE_PASSWORD"], SERVER_ROLE: environ["SERVER_PASSWORD"]}
    user, secret = administrator()
    if user in passwords:
        finish(ROLE_RIGHTS, f"{user} is the administrator itself: choose another database.user for MLflow")
    who = f"the administrator {user}"
    with connected(ADMINISTRATOR, who, user=user, password=secret, database="postgres") as connection:
        version = connection.info.server_version // 10000
        if version < OLDEST:
            finish(TOO_OLD, f"{SERVER} is PostgreSQL {version}; expected {OLDEST} or newer: create role and database by hand")
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            for role, password in passwords.items():
                ensure_role(connection, role, password)
            with acting_as_role(connection, version):
                ensure_database(connection)
                with connected(ADMINISTRATOR, who, user=user, password=secret, database=DATABASE) as inside:
                    inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        except psycopg.errors.InsufficientPrivilege as error:
            finish(ADMINISTRATOR, f"{who} lacks a right at {SERVER}, expected CREATEROLE and CREATEDB: {error}")
    server = passwords[SERVER_ROLE]
    connected(ROLE_USELESS, f"role {SERVER_ROLE}", user=SERVER_ROLE, password=server, database=DATABASE).close()
    owner = passwords[ROLE]
    with connected(ROLE_USELESS, f"role {ROLE}", user=ROLE, password=owner, database=DATABASE) as connection:
        able = connection.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()
    if able != (True,):
        finish(ROLE_USELESS, f"role {ROLE} may create nothing in the schema public of database {DATABASE}")
    finish(0, f"role {ROLE} owns database {DATABASE} at {SERVER}, and {SERVER_ROLE} can sign in to it")


if __name__ == "__main__":
    main()
