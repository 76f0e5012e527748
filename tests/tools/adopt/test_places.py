"""Places whose files `make adopt` reads; everything else that an old MLflow names is refused."""

import itertools
from pathlib import Path

import pytest

from tools.adopt.origin import Locations, Origin, parse
from tools.adopt.places import PlaceError, Places

REFUSED = r"its files are at .*"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Folder of an old MLflow, beside a folder with a secret."""
    folder = tmp_path / "old"
    (folder / "mlruns" / "1").mkdir(parents=True)
    (folder / "mlflow.db").touch()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret", encoding="utf-8")
    (tmp_path / "old-2").mkdir()
    return folder


def places(source: str, folder: Path, *artifacts: str) -> Places:
    return Places.of(parse(source, folder), Locations.parse(artifacts))


@pytest.mark.parametrize("location", ["{old}/mlruns/1", "file://{old}/mlruns/1", "file://localhost{old}/x", "{old}"])
def test_files_in_the_folder_of_a_sqlite_file_are_read(location: str, old: Path) -> None:
    places("mlflow.db", old).check(location.format(old=old))


def test_a_relative_location_begins_in_the_folder_of_the_source(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old)
    places("mlflow.db", old).check("./mlruns/1")
    with pytest.raises(PlaceError, match=REFUSED):
        places("mlflow.db", old).check("../secret/key")


def test_of_a_folder_only_the_folder_itself_is_read(old: Path) -> None:
    found = places("mlruns", old)
    found.check(f"{old}/mlruns/1")
    with pytest.raises(PlaceError, match=REFUSED):
        found.check(f"{old}/mlflow.db")


OUTSIDE = [
    "{top}/secret/key",
    "file://{top}/secret/key",
    "{old}/../secret/key",
    "{old}/mlruns/../../secret/key",
    "file://{old}/%2e%2e/secret/key",
    "file://{old}/%2E%2E%2Fsecret/key",
    "file://{old}/%252e%252e/secret/key",
    "FILE://{top}/secret/key",
    # The same beginning, but another folder.
    "{top}/old-2",
    "/",
    "/etc/passwd",
    "file://another.example/srv/old",
    "file://{old}/a%00b",
    "{old}/a\0b",
    "{old}/a\nb",
    # MLflow decodes these too.
    "{old}/%2e%2e/secret/key",
    "{old}/mlruns%2F..%2F..%2Fsecret/key",
    "{old}/%252e%252e/secret/key",
    "{old}/a%00b",
    # They lead to what another run or model has.
    "runs:/0123456789abcdef0123456789abcdef/model",
    "models:/m-0123456789abcdef0123456789abcdef",
    "C:\\old\\mlruns",
    "c:/old/mlruns",
    "s3://bucket/1",
    "gs://bucket/1",
    "wasbs://container@account.blob.core.windows.net/1",
    "hdfs://host/1",
    "dbfs:/1",
    "ftp://host/1",
    "sftp://host/1",
    "unknown://host/1",
]


@pytest.mark.parametrize("location", OUTSIDE)
@pytest.mark.parametrize("source", ["mlflow.db", "mlruns"])
def test_everything_else_is_refused(source: str, location: str, old: Path) -> None:
    with pytest.raises(PlaceError, match=REFUSED):
        places(source, old).check(location.format(old=old, top=old.parent))


@pytest.mark.parametrize("location", [*OUTSIDE, "{old}/mlruns/1"])
@pytest.mark.parametrize("source", ["postgresql://user@db.example.com/mlflow", "https://mlflow.example.com"])
def test_a_database_or_server_has_no_folder_of_its_own(source: str, location: str, old: Path) -> None:
    with pytest.raises(PlaceError, match=REFUSED):
        places(source, old).check(location.format(old=old, top=old.parent))


@pytest.mark.parametrize("location", ["mlflow-artifacts:/1", "https://mlflow.example.com/1"])
def test_hosts_are_checked_elsewhere(location: str, old: Path) -> None:
    places("mlflow.db", old).check(location)


def test_a_link_counts_as_the_place_that_it_leads_to(old: Path) -> None:
    found = places("mlflow.db", old)
    (old / "mlruns" / "link").symlink_to(old.parent / "secret")
    (old / "mlruns" / "near").symlink_to(old / "mlruns" / "1")
    found.check_file(old / "mlruns" / "near")
    for path in ("mlruns/link", "mlruns/link/key"):
        with pytest.raises(PlaceError, match=r"mlruns/link.*, which leads to .*/secret"):
            found.check_file(old / path)
        with pytest.raises(PlaceError, match=REFUSED):
            found.check(f"{old / path}")


@pytest.mark.parametrize(
    ("artifacts", "location"),
    [
        ("s3://bucket", "s3://bucket/1/a"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket/path", "s3://bucket/path/1"),
        ("S3://bucket/path", "s3://bucket/path"),
        ("mlflow-artifacts:/=s3://bucket/path", "s3://bucket/path/1"),
        ("{top}/secret", "{top}/secret/key"),
        ("/gone={top}/secret", "file://{top}/secret/key"),
    ],
)
def test_a_place_that_artifacts_names_is_read(artifacts: str, location: str, old: Path) -> None:
    names = {"old": old, "top": old.parent}
    places("mlflow.db", old, artifacts.format(**names)).check(location.format(**names))


@pytest.mark.parametrize(
    "location",
    [
        "s3://bucket/path/%252e%252e/other",
        "s3://bucket/other/1",
        "s3://bucket/pathological",
        "s3://bucket/path/../other",
        "s3://bucket/path/%2e%2e/other",
        "s3://bucket/path/./1",
        "s3://other/path/1",
        "s3://bucket.example/path/1",
        "s3://user@bucket/path/1",
        "gs://bucket/path/1",
        "/bucket/path",
    ],
)
def test_only_what_is_below_an_address_is_read(location: str, old: Path) -> None:
    with pytest.raises(PlaceError, match=r"and only files in .*s3://bucket/path are read"):
        places("mlflow.db", old, "s3://bucket/path").check(location)


def test_the_message_says_how_to_allow_a_place(old: Path) -> None:
    found = places("https://mlflow.example.com", old)
    with pytest.raises(PlaceError) as error:
        found.check("s3://bucket/1")
    assert str(error.value) == (
        "its files are at s3://bucket/1, and only files in no folder and no store are read. If they belong to the old "
        "MLflow, name their place: ARTIFACTS=s3://bucket/1"
    )


def test_no_chain_of_links_and_steps_leads_out(old: Path) -> None:
    """All paths of four parts, of which some lead up, to a link, or to an encoded step."""
    (old / "mlruns" / "up").symlink_to(old.parent)
    found = places("mlflow.db", old)
    for parts in itertools.product(["..", "mlruns", "up", "secret", "%2e%2e", "."], repeat=4):
        path = "/".join(parts)
        # MLflow decodes locations with and without a scheme.
        real = Path(f"{old}/{path.replace('%2e', '.')}").resolve()
        for location in (f"{old}/{path}", f"file://{old}/{path}"):
            allowed = True
            try:
                found.check(location)
            except PlaceError:
                allowed = False
            assert allowed == real.is_relative_to(old.resolve()), location


def test_the_folder_may_itself_be_reached_by_a_link(old: Path) -> None:
    (old.parent / "srv").symlink_to(old)
    found = Places.of(parse(f"{old.parent}/srv/mlflow.db", old), Locations())
    found.check(f"{old.parent}/srv/mlruns/1")
    assert isinstance(parse("mlflow.db", old), Origin)
