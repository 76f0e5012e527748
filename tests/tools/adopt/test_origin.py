from pathlib import Path

import pytest

from tools.adopt.origin import Kind, Locations, OriginError, from_here, parse, without_credentials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlruns").mkdir()
    return tmp_path


@pytest.mark.parametrize("source", ["mlflow.db", "./mlflow.db", "sqlite:///mlflow.db", "sqlite:///{folder}/mlflow.db"])
def test_a_sqlite_file_is_known_by_its_path_and_by_its_address(folder: Path, source: str) -> None:
    found = parse(source.format(folder=folder), folder)
    assert (found.kind, found.address, found.folder) == (Kind.SQLITE, str(folder / "mlflow.db"), folder)


@pytest.mark.parametrize("source", ["mlruns", "./mlruns/", "file://{folder}/mlruns"])
def test_a_folder_is_known_by_its_path_and_by_its_address(folder: Path, source: str) -> None:
    found = parse(source.format(folder=folder), folder)
    assert (found.kind, found.address, found.folder) == (Kind.FOLDER, str(folder / "mlruns"), folder)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("postgresql://u:p@db:5432/mlflow", "postgresql+psycopg://u:p@db:5432/mlflow"),
        ("postgres://u:p@db:5432/mlflow", "postgresql+psycopg://u:p@db:5432/mlflow"),
        ("postgresql+psycopg2://u:p@db:5432/mlflow?sslmode=require", "postgresql+psycopg://u:p@db:5432/mlflow?sslmode=require"),
        ("mysql://u:p@db/mlflow", "mysql+pymysql://u:p@db/mlflow"),
        ("mysql+mysqldb://u:p@db/mlflow", "mysql+pymysql://u:p@db/mlflow"),
    ],
)  # fmt: skip
def test_a_database_is_opened_with_a_driver_that_is_installed(folder: Path, source: str, address: str) -> None:
    found = parse(source, folder)
    assert (found.kind, found.address) == (Kind.DATABASE, address)


def test_the_name_that_is_written_into_tags_has_no_password(folder: Path) -> None:
    found = parse("postgresql+psycopg2://user:secret@db:5432/mlflow?password=secret", folder)
    assert found.name == "postgresql://db:5432/mlflow"
    assert without_credentials("https://user:secret@mlflow.example.com/old/") == "https://mlflow.example.com/old"


def test_a_server_is_read_at_its_address(folder: Path) -> None:
    found = parse("https://mlflow.example.com/", folder)
    assert (found.kind, found.name) == (Kind.SERVER, "https://mlflow.example.com")


@pytest.mark.parametrize("source", ["missing.db", "sqlite:///missing.db", "sqlite:///mlruns", "file:///missing"])
def test_a_path_with_nothing_there_is_refused_with_the_path(folder: Path, source: str) -> None:
    with pytest.raises(OriginError, match=r"there is no such file or folder as /.*; expected a SQLite file"):
        parse(source, folder)


def test_another_scheme_is_refused_without_its_password(folder: Path) -> None:
    with pytest.raises(OriginError, match=r"SOURCE mssql://db/mlflow: expected a SQLite file") as refused:
        parse("mssql+pyodbc://user:secret@db/mlflow", folder)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "uri", "found"),
    [
        (["./mlartifacts"], "mlflow-artifacts:/1/abc/artifacts", "./mlartifacts/1/abc/artifacts"),
        (["s3://bucket/old/"], "mlflow-artifacts://host:5000/1/abc", "s3://bucket/old/1/abc"),
        (["s3://bucket"], "s3://elsewhere/1", "s3://elsewhere/1"),
        (["/old/mlruns=/backup/mlruns"], "/old/mlruns/1/abc", "/backup/mlruns/1/abc"),
        (["file:///old=/backup"], "file:///old/1", "/backup/1"),
        ([], "mlflow-artifacts:/1", "mlflow-artifacts:/1"),
    ],
)
def test_files_are_looked_for_where_they_are_now(values: list[str], uri: str, found: str) -> None:
    assert Locations.parse(values).find(uri) == found


@pytest.mark.parametrize(
    ("value", "absolute"),
    [
        ("mlartifacts", "{here}/mlartifacts"),
        ("./mlruns=../mlruns", "./mlruns={above}/mlruns"),
        ("/a=/b", "/a=/b"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("none", "none"),
    ],
)
def test_a_path_begins_in_the_folder_of_the_command(tmp_path: Path, value: str, absolute: str) -> None:
    assert from_here(value, tmp_path) == absolute.format(here=tmp_path, above=tmp_path.parent)


def test_files_can_be_left_behind() -> None:
    assert Locations.parse(["none"]).none
    assert not Locations.parse(["./none=/b"]).none


def test_served_files_are_found_only_with_a_location_of_theirs() -> None:
    assert not Locations.parse([""]).finds("mlflow-artifacts:/1/abc")
    assert not Locations.parse(["/a=/b"]).finds("mlflow-artifacts:/1/abc")
    assert Locations.parse(["./mlartifacts"]).finds("mlflow-artifacts:/1/abc")
    assert Locations().finds("s3://bucket/1")
