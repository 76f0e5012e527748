"""The comparisons of a proof, with small censuses and stores that answer from a dictionary."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.components.pod_scripts import fake, load


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - modules of scripts have no types
    """The module that compares rows."""
    return load(monkeypatch, "proof_rows")


CENSUS = {"runs": {"team-a": [3, "11"], "team-b": [1, "5"]}, "tags": {"": [2, "7"]}}


def test_equal_rows_have_no_differences(rows: Any) -> None:  # noqa: ANN401 - likewise
    assert rows.differences(CENSUS, {table: dict(by) for table, by in CENSUS.items()}) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            {**CENSUS, "runs": {"team-a": [2, "9"], "team-b": [1, "5"]}},
            "table runs of workspace team-a: 2 rows, and the census has 3",
        ),
        ({**CENSUS, "runs": {"team-a": [3, "11"]}}, "table runs of workspace team-b: 0 rows, and the census has 1"),
        (
            {**CENSUS, "runs": {"team-a": [3, "12"], "team-b": [1, "5"]}},
            "table runs of workspace team-a: 3 rows as in the census, but with hash 12 instead of 11",
        ),
        ({**CENSUS, "tags": {"": [1, "7"]}}, "rows of no workspace in table tags: 1 rows, and the census has 2"),
        ({"runs": CENSUS["runs"]}, "table tags of the census is not in the restored database"),
        ({**CENSUS, "new": {}}, "table new of the restored database is not in the census"),
    ],
)  # fmt: skip
def test_each_difference_is_a_sentence(rows: Any, found: dict[str, Any], sentence: str) -> None:  # noqa: ANN401 - likewise
    assert rows.differences(CENSUS, found) == [sentence]


def test_many_differences_are_counted(rows: Any) -> None:  # noqa: ANN401 - likewise
    found = rows.differences({f"t{number:03}": {"a": [1, "1"]} for number in range(50)}, {})
    assert len(found) == rows.MOST_SENTENCES + 1
    assert found[-1] == "and 10 more tables of workspaces differ"


def test_a_workspaces_rows_and_hashes_are_summed_over_all_tables(rows: Any) -> None:  # noqa: ANN401 - likewise
    more = {**CENSUS, "params": {"team-a": [1, "-1"]}}
    assert rows.by_workspace(more) == {"": [2, "7"], "team-a": [4, "10"], "team-b": [1, "5"]}


@dataclass
class Stream:
    """The content of an object, as a stream."""

    content: io.BytesIO

    def iter_chunks(self) -> Iterator[bytes]:
        """Pieces of the content."""
        return iter(lambda: self.content.read(4), b"")


@dataclass
class Bucket:
    """An artifact store; `sent` has the contents that differ from the listing."""

    files: dict[str, bytes]
    sent: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """The first keys of a folder."""
        assert (Bucket, MaxKeys) == ("mlflow", 1)
        found = [key for key in sorted(self.files) if key.startswith(Prefix)][:MaxKeys]
        etags = {key: hashlib.md5(self.files[key], usedforsecurity=False).hexdigest() for key in found}
        return {"Contents": [{"Key": key, "Size": len(self.files[key]), "ETag": f'"{etags[key]}"'} for key in found]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - likewise
        """An object."""
        assert Bucket == "mlflow"
        content = io.BytesIO(self.sent.get(Key, self.files[Key]))
        return {"Body": Stream(content)}


@dataclass
class Cursor:
    """A database with the locations of some runs."""

    places: list[str]

    def execute(self, query: str, values: tuple[int]) -> None:
        """Accept the query."""
        assert "artifact_uri" in query
        assert values == (200,)

    def fetchall(self) -> list[tuple[str]]:
        """All rows, in an arbitrary order."""
        return [(place,) for place in self.places]


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - likewise
    """The module that fetches artifacts."""
    errors = fake("botocore.exceptions", BotoCoreError=OSError, ClientError=OSError)
    packages = [fake("boto3"), fake("botocore"), fake("botocore.config", Config=object), errors]
    return load(monkeypatch, "proof_artifacts", packages)


PLACES = [f"mlflow-artifacts:/workspaces/team-a/1/run{number}/artifacts" for number in range(30)]
FILES = {f"kept/workspaces/team-a/1/run{number}/artifacts/f": b"content" for number in range(30)}


def test_a_location_is_a_folder_below_the_artifact_destination(artifacts: Any) -> None:  # noqa: ANN401 - likewise
    for destination, key in (("s3://mlflow", ""), ("s3-proxied://mlflow/kept/", "kept/")):
        assert artifacts.folder_key(PLACES[0], destination) == ("mlflow", f"{key}workspaces/team-a/1/run0/artifacts/")


def test_twenty_files_are_fetched_and_compared(artifacts: Any) -> None:  # noqa: ANN401 - likewise
    counts, faults = artifacts.fetched(Bucket(FILES), Cursor(PLACES), "s3://mlflow/kept")
    assert (counts, faults) == ({"files": 20, "bytes": 140, "checksums": 20}, [])


@pytest.mark.parametrize(
    ("content", "fault"), [(b"conten", "has 6 bytes, and the store lists 7"), (b"c0ntent", "has checksum")]
)
def test_a_file_that_comes_otherwise_is_named(artifacts: Any, content: bytes, fault: str) -> None:  # noqa: ANN401 - likewise
    key = "kept/workspaces/team-a/1/run0/artifacts/f"
    _, faults = artifacts.fetched(Bucket(FILES, {key: content}), Cursor(PLACES[:1]), "s3://mlflow/kept")
    assert len(faults) == 1
    assert faults[0].startswith(f"artifact {key} {fault}")


def test_a_store_that_refuses_is_a_difference(artifacts: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - likewise
    def refuse(*_: object, **__: object) -> None:
        raise OSError("AccessDenied")

    monkeypatch.setattr(Bucket, "list_objects_v2", refuse)
    _, faults = artifacts.fetched(Bucket(FILES), Cursor(PLACES), "s3://mlflow/kept")
    assert faults == ["artifacts below kept/workspaces/team-a/1/run0/artifacts/ cannot be read: AccessDenied"]


def test_mlflow_has_to_show_as_much_as_the_tables_have(monkeypatch: pytest.MonkeyPatch) -> None:
    server = load(monkeypatch, "proof_server")

    class Tables:
        """Two workspaces with an experiment each; the second has more runs than a page."""

        def __init__(self) -> None:
            self.answers = [[("a", 1), ("b", 1)], [("a", "7", 2), ("b", "8", 1500)]]

        def execute(self, _: str) -> None:
            """Accept the query."""

        def fetchall(self) -> list[Any]:
            """The next answer."""
            return self.answers.pop(0)

    def ask(workspace: str, path: str, document: dict[str, Any]) -> dict[str, Any]:
        if path == "experiments/search":
            # On the second of two pages.
            return {"experiments": [1]} if "page_token" in document else {"experiments": [], "next_page_token": "t"}
        return {"runs": [1] * (1 if workspace == "a" else 1000)}

    shown, faults = server.counted(Tables(), ask)
    assert shown == {"a": {"experiments": 1, "runs": 1}, "b": {"experiments": 1, "runs": 1000}}
    assert faults == ["MLflow shows 1 runs of experiment 7, and the tables have 2"]
