import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from components import scripts as files
from components.scripts import script

FOLDER = Path(files.__file__).parent
SCRIPTS = sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".py" and path.stem != "__init__")


def test_the_scripts_of_the_pods_are_these() -> None:
    assert SCRIPTS == [
        "additive.py",
        "backup.py",
        "backup_base.py",
        "backup_census.py",
        "backup_ranges.py",
        "backup_restore.py",
        "backup_spool.py",
        "backup_store.py",
        "backup_volume.py",
        "check_connection.py",
        "check_connection_by_proxy.py",
        "client_version.py",
        "create_bucket.py",
        "ensure_role.py",
        "follow_aliases.py",
        "migrate.py",
        "migrate_proven.py",
        "one_transaction.py",
        "other_workspaces.py",
        "postgresql.py",
        "proof_artifacts.py",
        "proof_rows.py",
        "proof_server.py",
        "prove.py",
        "retention.py",
        "retention_stores.py",
        "revisions.py",
        "row_owners.py",
        "row_rules.py",
        "row_security.py",
        "scratch.py",
        "scratch_restore.py",
        "serve_model.py",
        "sqlite_file.py",
        "team_exchange.py",
        "team_rows.py",
        "undelete.py",
    ]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_python_script_is_valid_and_says_what_it_does(name: str) -> None:
    module = ast.parse(script(name), name)
    assert ast.get_docstring(module)


@pytest.mark.parametrize("option", ["-n", "-eun"])
def test_the_shell_script_is_valid(option: str) -> None:
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(  # noqa: S603 - the system's shell, told to run nothing
        [shell, option, str(FOLDER / "postgres.sh")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_database_is_created_completely_or_not_at_all() -> None:
    lines = script("postgres.sh")
    # initdb writes into a directory with another name, which is renamed once it is complete.
    assert 'initdb --pgdata="$PGDATA.new"' in lines
    assert 'mv "$PGDATA.new" "$PGDATA"' in lines
    assert lines.index('rm -rf "$PGDATA.new"') < lines.index("initdb") < lines.index("mv ")


def test_the_database_is_utf8_and_checks_its_pages() -> None:
    for option in ("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--auth-host=scram-sha-256"):
        assert option in script("postgres.sh")


def test_no_client_connects_while_the_role_is_updated() -> None:
    lines = script("postgres.sh")
    assert "listen_addresses=" in lines[lines.index("pg_ctl") : lines.index("psql")]
    assert lines.rstrip().splitlines()[-1].startswith("exec postgres")


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.sql"):
        script("nothing.sql")
