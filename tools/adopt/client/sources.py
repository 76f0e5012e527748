"""The old MLflow, opened so that nothing in it changes."""

import os
import shutil
import sqlite3
from pathlib import Path

import sqlalchemy
from mlflow.store.db import utils as database

from tools.adopt.client.content import Content
from tools.adopt.origin import Kind, OriginError
from tools.adopt.places import Places

MARKS = ("meta.yaml", "trace_info.yaml")
REVISION = "SELECT version_num FROM alembic_version"
WRITES = {
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}


def opened(origin, locations, folder):
    """The content of the old MLflow; copies of metadata are made in `folder`.

    Raises:
        OriginError: the old MLflow cannot be read in this form; the message says what to do.
    """
    # MLflow resolves relative locations of artifacts in the working directory of its server.
    os.chdir(origin.folder)
    return Content(_address(origin, folder), locations, Places.of(origin, locations))


def _address(origin, folder):
    """Address for MLflow to open: the old MLflow's, or that of a copy of its metadata."""
    if origin.kind is Kind.FOLDER:
        return str(_copied(Path(origin.address), folder / "store"))
    if origin.kind is Kind.SQLITE:
        return _upgraded(Path(origin.address), folder / "mlflow.db")
    return origin.address if origin.kind is Kind.SERVER else _checked(origin)


def _copied(root, target):
    """Copy a folder's metadata without its files: MLflow creates folders in one that it opens.

    Raises:
        OriginError: a link in it leads to a place outside; the message names it.
    """
    real = root.resolve()
    for folder, names, files in os.walk(root):
        if _has_artifacts(Path(folder)):
            names.clear()
            continue
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(real):
                raise OriginError(f"SOURCE {root}: the link {path} leads to {path.resolve()}, outside: remove it")
    shutil.copytree(root, target, symlinks=True, ignore=lambda folder, names: names if _has_artifacts(Path(folder)) else ())
    return target


def _has_artifacts(folder):
    """True for the artifact folder of a run, logged model or trace, which MLflow requires even if it is empty."""
    return folder.name == "artifacts" and any((folder.parent / mark).exists() for mark in MARKS)


def _upgraded(file, target):
    """Copy a SQLite database and upgrade the copy to this version's schema."""
    # Without a log nobody writes: then not even a lock file is created beside it.
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
    source = sqlite3.connect(f"{file.as_uri()}?{how}", uri=True)
    try:
        copy = sqlite3.connect(target)
        source.backup(copy)
        copy.close()
    except sqlite3.DatabaseError as error:
        raise OriginError(f"SOURCE {file} is not a SQLite database that can be read: {error}") from error
    finally:
        source.close()
    uri = f"sqlite:///{target}"
    engine = sqlalchemy.create_engine(uri)
    tables = set(sqlalchemy.inspect(engine).get_table_names())
    if not {"experiments", "runs"} <= tables:
        raise OriginError(f"SOURCE {file} is not a database of MLflow: it has no tables experiments and runs")
    database._upgrade_db(engine)
    engine.dispose()
    return uri


def _checked(origin):
    """Address of a database with this version's schema; every transaction with it only reads."""
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "begin", _only_read)
    engine = sqlalchemy.create_engine(origin.address)
    try:
        with engine.connect() as connection:
            revision = connection.execute(sqlalchemy.text(REVISION)).scalar_one()
            experiments = connection.execute(sqlalchemy.text("SELECT count(*) FROM experiments")).scalar_one()
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise OriginError(f"SOURCE {origin.name} cannot be read as a database of MLflow: {reason}") from error
    finally:
        engine.dispose()
    head = database._get_latest_schema_revision()
    if revision != head:
        import mlflow

        raise OriginError(
            f"SOURCE {origin.name} has the schema {revision}, and MLflow {mlflow.__version__} reads {head}: "
            "start a server of its own MLflow version on it, and give that server's address as SOURCE"
        )
    if not experiments:
        raise OriginError(f"SOURCE {origin.name} has no experiments: there is nothing to move")
    return origin.address


def _only_read(connection):
    statement = WRITES.get(connection.dialect.name)
    if statement:
        connection.exec_driver_sql(statement)
