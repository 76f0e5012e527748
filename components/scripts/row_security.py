"""Row-level security: brings the policies and privileges in a database in line with `row_rules`, and verifies them.

Changes only what differs: every policy's comment is a fingerprint of the rule it was made from and of what PostgreSQL
made of it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import row_rules
import sqlalchemy
from row_rules import Reference, Rule, Table, quoted
from sqlalchemy import text

SERVER, OWNER = "server", "owner"
# With two roles the owner's sessions see everything: migrations, backups, a server that ran before there were policies.
# With one, only sessions that say what they are.
OWNER_SESSION = ("mlflow_platform.owner", "migration")
_SAYS_SO = f"current_setting('{OWNER_SESSION[0]}', true) = '{OWNER_SESSION[1]}'"
_COLUMNS = """
    SELECT relation.relname AS name, relation.relkind::text AS kind, attname AS "column", attnotnull AS required
    FROM pg_class relation LEFT JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1, attnum
"""
_REFERENCES = """
    SELECT own.relname AS name, parent.relname AS parent,
        (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
         JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns,
        (SELECT array_agg(attname::text ORDER BY place) FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
         JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS parent_columns
    FROM pg_constraint JOIN pg_class own ON own.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid
    WHERE contype = 'f' AND own.relnamespace = 'public'::regnamespace ORDER BY conname
"""
_POLICIES = """
    SELECT relname::text AS name, polname::text AS policy, polcmd = '*' AND polpermissive AS usual,
        ARRAY(SELECT pg_get_userbyid(role)::text FROM unnest(polroles) role) AS roles,
        pg_get_expr(polqual, polrelid) AS visible, pg_get_expr(polwithcheck, polrelid) AS writable,
        obj_description(pg_policy.oid, 'pg_policy') AS comment
    FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE relnamespace = 'public'::regnamespace
"""
_TABLES = """
    SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS secured,
        ARRAY(SELECT privilege_type FROM aclexplode(relacl) WHERE grantee = to_regrole(quote_ident(:server))) AS granted,
        EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0) AS public
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
"""
_SEQUENCES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND CASE WHEN relkind = 'S' THEN NOT has_sequence_privilege(:server, oid, 'USAGE') END ORDER BY 1
"""
_ROLE = """
    SELECT 'does not exist' WHERE to_regrole(quote_ident(:server)) IS NULL
    UNION ALL SELECT 'is a member of ' || rolname FROM pg_roles
        WHERE rolname <> :server AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolname = current_user)
        AND to_regrole(quote_ident(:server)) IS NOT NULL AND pg_has_role(to_regrole(quote_ident(:server)), oid, 'MEMBER')
    UNION ALL SELECT 'has ' || right_name FROM pg_roles, LATERAL (VALUES
        (rolsuper, 'SUPERUSER'), (rolbypassrls, 'BYPASSRLS'), (rolcreaterole, 'CREATEROLE'), (rolcreatedb, 'CREATEDB'),
        (rolreplication, 'REPLICATION')) AS rights (has, right_name) WHERE rolname = :server AND has
    UNION ALL SELECT 'owns objects' WHERE EXISTS (SELECT FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole(quote_ident(:server)) AND deptype = 'o')
    UNION ALL SELECT 'may create objects in the schema public'
        WHERE to_regrole(quote_ident(:server)) IS NOT NULL AND has_schema_privilege(to_regrole(quote_ident(:server)), 'public', 'CREATE')
"""
# What the one role must not have: it would not be subject to any policy.
_OWNER = """
    SELECT 'has ' || CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'BYPASSRLS' END FROM pg_roles
    WHERE rolname = current_user AND (rolsuper OR rolbypassrls)
"""


class NotSeparatedError(Exception):
    """The database would not keep workspaces apart; the message has the reason."""


@dataclass(frozen=True)
class Policy:
    """A policy as it should be, for all commands."""

    name: str
    role: str
    visible: str
    writable: str

    def create(self, table: str) -> str:
        """SQL statement that creates the policy."""
        return (
            f"CREATE POLICY {self.name} ON public.{quoted(table)} TO {quoted(self.role)}"
            f" USING ({self.visible}) WITH CHECK ({self.writable})"
        )

    def fingerprint(self, visible: str | None, writable: str | None) -> str:
        """Identifies rule and result; the arguments are the conditions as PostgreSQL prints them."""
        parts = "\n".join((self.role, self.visible, self.writable, visible or "", writable or ""))
        return f"mlflow-platform {hashlib.sha256(parts.encode()).hexdigest()[:32]}"


def policies(rule: Rule, owner: str, server: str) -> list[Policy]:
    """The policies of a table; `owner` and `server` may be the same role."""
    free = "true" if owner != server else _SAYS_SO
    found = [Policy(OWNER, owner, free, free)]
    if rule.privileges:
        found.append(Policy(SERVER, server, rule.visible, rule.writable))
    return found


def tables(connection: sqlalchemy.Connection) -> dict[str, Table]:
    """The tables of the schema `public`, and its views and other relations that show rows."""
    columns: dict[str, list] = {}
    for row in connection.execute(text(_COLUMNS)):
        columns.setdefault(row.name, []).append(row)
    references: dict[str, list[Reference]] = {}
    for row in connection.execute(text(_REFERENCES)):
        references.setdefault(row.name, []).append(
            Reference(columns=tuple(row.columns), parent=row.parent, parent_columns=tuple(row.parent_columns))
        )
    return {
        name: Table(
            columns=frozenset(row.column for row in rows if row.column),
            required=frozenset(row.column for row in rows if row.required),
            references=tuple(references.get(name, ())),
            kind=rows[0].kind,
        )
        for name, rows in columns.items()
    }


def bring_in_line(connection: sqlalchemy.Connection, server: str | None) -> int:
    """Create or replace what differs, in the connection's transaction; returns the number of changed tables.

    Raises:
        row_rules.NoRuleError: a table has no rule.
        NotSeparatedError: the server's role is missing, or has rights that no policy restricts.
    """
    owner = connection.scalar(text("SELECT current_user"))
    role = server or owner
    if why := _faults_of_role(connection, owner, role):
        raise NotSeparatedError(f"role {role} {', '.join(why)}")
    rules = row_rules.rules(tables(connection))
    differing = list(_differing(connection, rules, owner, role))
    for table in differing:
        _secure(connection, table, rules[table], owner, role)
    if owner != role:
        for statement in _grants(connection, rules, role):
            connection.execute(text(statement))
    return len(differing)


def faults(engine: sqlalchemy.Engine, server: str | None) -> list[str]:
    """Differences between the catalog and the rules after `bring_in_line`, as texts; empty if there are none.

    Raises:
        row_rules.NoRuleError: a table has no rule.
    """
    with engine.connect() as connection:
        owner = connection.scalar(text("SELECT current_user"))
        role = server or owner
        rules = row_rules.rules(tables(connection))
        found = [f"role {role} {why}" for why in _faults_of_role(connection, owner, role)]
        found += [f"table {table} has no or other policies" for table in _differing(connection, rules, owner, role)]
        if owner != role:
            found += [f"missing: {statement}" for statement in _grants(connection, rules, role)]
    return found


def _faults_of_role(connection: sqlalchemy.Connection, owner: str, server: str) -> list[str]:
    query = _ROLE if owner != server else _OWNER
    return list(connection.scalars(text(query), {"server": server} if owner != server else {}))


def _differing(connection: sqlalchemy.Connection, rules: dict[str, Rule], owner: str, server: str) -> Iterator[str]:
    """Tables whose policies are not those of their rule."""
    present: dict[str, dict[str, sqlalchemy.Row]] = {}
    for row in connection.execute(text(_POLICIES)):
        present.setdefault(row.name, {})[row.policy] = row
    secured = {row.name: row.secured for row in connection.execute(text(_TABLES), {"server": server})}
    for table, rule in rules.items():
        expected = {policy.name: policy for policy in policies(rule, owner, server)}
        found = present.get(table, {})
        if not (
            secured[table]
            and found.keys() == expected.keys()
            and all(
                row.usual
                and row.roles == [expected[name].role]
                and row.comment == expected[name].fingerprint(row.visible, row.writable)
                for name, row in found.items()
            )
        ):
            yield table


def _secure(connection: sqlalchemy.Connection, table: str, rule: Rule, owner: str, server: str) -> None:
    """Replace all policies of a table."""
    name = f"public.{quoted(table)}"
    own = text(f"SELECT policy FROM ({_POLICIES}) AS policies WHERE name = :table")
    for policy in list(connection.scalars(own, {"table": table})):
        connection.execute(text(f"DROP POLICY {quoted(policy)} ON {name}"))
    wanted = policies(rule, owner, server)
    for policy in wanted:
        connection.exec_driver_sql(policy.create(table))
    for action in ("ENABLE", "FORCE"):
        connection.execute(text(f"ALTER TABLE {name} {action} ROW LEVEL SECURITY"))
    made = text(f"SELECT policy, visible, writable FROM ({_POLICIES}) AS policies WHERE name = :table")
    printed = {row.policy: row for row in connection.execute(made, {"table": table})}
    for policy in wanted:
        mark = policy.fingerprint(printed[policy.name].visible, printed[policy.name].writable)
        connection.execute(text(f"COMMENT ON POLICY {policy.name} ON {name} IS '{mark}'"))


def _grants(connection: sqlalchemy.Connection, rules: dict[str, Rule], server: str) -> Iterator[str]:
    """Statements that give the server's role what is missing and take what is too much."""
    role = quoted(server)
    database = connection.scalar(text("SELECT current_database()"))
    reach = text(
        "SELECT has_database_privilege(:server, current_database(), 'CONNECT') AS connects,"
        " has_schema_privilege(:server, 'public', 'USAGE') AS uses"
    )
    may = connection.execute(reach, {"server": server}).one()
    if not may.connects:
        yield f"GRANT CONNECT ON DATABASE {quoted(database)} TO {role}"
    if not may.uses:
        yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for row in list(connection.execute(text(_TABLES), {"server": server})):
        wanted, name = rules[row.name].privileges, f"public.{quoted(row.name)}"
        if row.public:
            yield f"REVOKE ALL ON {name} FROM PUBLIC"
        if excess := set(row.granted) - wanted:
            yield f"REVOKE {', '.join(sorted(excess))} ON {name} FROM {role}"
        if lacking := wanted - set(row.granted):
            yield f"GRANT {', '.join(sorted(lacking))} ON {name} TO {role}"
    for sequence in list(connection.scalars(text(_SEQUENCES), {"server": server})):
        yield f"GRANT USAGE ON SEQUENCE public.{quoted(sequence)} TO {role}"
