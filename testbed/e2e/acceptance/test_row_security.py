"""In the deployed database, the server's role sees no row of another workspace, in any table.

The tables are those of the catalog: a table that a new MLflow brings is tried as well. The SQL is sent without MLflow,
so the result does not depend on MLflow or its authorisation.
"""

import json
from typing import Any

import pytest

from testbed.e2e import upgrade_data
from testbed.e2e.web import Site
from tools.stack import Platform

# One row of the owner's is tried per table; what succeeds is undone. The server's role is `mlflow_server`.
TRY = """
CREATE TEMP TABLE tried (name text, attempt text, outcome text);
DO $try$
DECLARE
  one record; victim tid; stored jsonb; columns text; attempt text; statement text; outcome text; touched bigint;
BEGIN
  FOR one IN SELECT c.oid, c.relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
      AND has_table_privilege('{role}', c.oid, 'INSERT') ORDER BY 2 LOOP
    PERFORM set_config('mlflow.workspace', '{owner}', true), set_config('role', '{role}', true);
    EXECUTE format('SELECT ctid, to_jsonb(t) FROM public.%I t LIMIT 1', one.relname) INTO victim, stored;
    SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
      WHERE attrelid = one.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    PERFORM set_config('role', 'none', true);
    IF victim IS NULL THEN
      INSERT INTO tried VALUES (one.relname, 'any', 'no row');
      CONTINUE;
    END IF;
    FOREACH attempt IN ARRAY ARRAY['select', 'update', 'delete', 'insert', 'own'] LOOP
      statement := CASE attempt
        WHEN 'update' THEN format('UPDATE public.%I SET %s WHERE ctid = %L', one.relname,
          split_part(columns, ', ', 1) || ' = ' || split_part(columns, ', ', 1), victim)
        WHEN 'delete' THEN format('DELETE FROM public.%I WHERE ctid = %L', one.relname, victim)
        WHEN 'insert' THEN format(
          'INSERT INTO public.%I (%s) SELECT %s FROM jsonb_populate_record(NULL::public.%I, %L)',
          one.relname, columns, columns, one.relname, stored)
        ELSE format('SELECT FROM public.%I WHERE ctid = %L', one.relname, victim) END;
      BEGIN
        PERFORM set_config('mlflow.workspace', CASE attempt WHEN 'own' THEN '{owner}' ELSE '{stranger}' END, true),
          set_config('role', '{role}', true);
        EXECUTE statement;
        GET DIAGNOSTICS touched = ROW_COUNT;
        outcome := touched || ' rows';
        RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
      EXCEPTION
        WHEN SQLSTATE 'P0099' THEN NULL;
        WHEN OTHERS THEN outcome := SQLSTATE;
      END;
      INSERT INTO tried VALUES (one.relname, attempt, outcome);
    END LOOP;
  END LOOP;
END $try$;
SELECT json_agg(tried) FROM tried;
"""
# insufficient_privilege: the policy refuses before any constraint is asked.
EXPECTED = {"select": "0 rows", "update": "0 rows", "delete": "0 rows", "insert": "42501", "own": "1 rows"}
UNPROTECTED = """
SELECT coalesce(json_agg(relname), '[]') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
"""
OWNED = """
SELECT count(*) FROM pg_shdepend WHERE refobjid = 'mlflow_server'::regrole AND deptype = 'o'
"""


def _tried(owner: str, stranger: str) -> list[dict[str, str]]:
    return json.loads(upgrade_data.sql(TRY.format(role="mlflow_server", owner=owner, stranger=stranger)))


@pytest.fixture(scope="module")
def attempts(platform: Platform, site: Site) -> list[dict[str, Any]]:
    """Outcomes of team A's attempts on rows of team B, which other tests and the examples have made."""
    assert {"team-a", "team-b"} <= platform.teams.keys()
    assert site
    return _tried("team-b", "team-a")


def test_no_row_of_another_workspace_is_seen_changed_deleted_or_added(attempts: list[dict[str, str]]) -> None:
    wrong = [one for one in attempts if one["outcome"] != "no row" and one["outcome"] != EXPECTED.get(one["attempt"])]
    assert wrong == []


def test_the_tables_of_runs_and_models_were_among_those_tried(attempts: list[dict[str, str]]) -> None:
    tried = {one["name"] for one in attempts if one["attempt"] == "own"}
    assert {"experiments", "runs"} <= tried


def test_every_table_has_forced_row_level_security_and_the_server_owns_none() -> None:
    assert json.loads(upgrade_data.sql(UNPROTECTED)) == []
    assert upgrade_data.sql(OWNED) == "0"
