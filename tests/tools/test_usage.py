import csv
import io
import json

import pytest

from tools.usage.report import Report, as_csv, as_json, as_text, size

LINES = [
    json.dumps({"team": name, "rows": rows, "row_bytes": row_bytes, "files": files, "file_bytes": file_bytes})
    for name, rows, row_bytes, files, file_bytes in (
        ("idle", {"runs": 1, "trace_info": 0}, 200, 0, 0),
        ("busy", {"runs": 20, "metrics": 400, "trace_info": 7}, 90_000, 3, 5_000_000),
    )
]
WHOLE = json.dumps({"database_bytes": 12_000_000})


def report() -> Report:
    return Report.read([*LINES, WHOLE])


def test_who_stores_most_comes_first_and_the_sum_last() -> None:
    lines = as_text(report()).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["TEAM", "busy", "idle", "all"]
    assert lines[3].split() == ["all", "21", "400", "7", "0", "0", "428", "88.1", "KiB", "3", "4.8", "MiB"]
    assert lines[-1].startswith("The database is 11.4 MiB on disk")


def test_one_team_needs_no_sum() -> None:
    assert "all" not in as_text(Report.read([LINES[0], WHOLE])).split()


def test_csv_and_json_have_bytes() -> None:
    busy, _ = csv.DictReader(io.StringIO(as_csv(report())))
    assert (busy["team"], busy["traces"], busy["row_bytes"], busy["file_bytes"]) == ("busy", "7", "90000", "5000000")
    document = json.loads(as_json(report()))
    assert document["databaseBytes"] == 12_000_000
    assert document["teams"][0]["rows"] == {"runs": 20, "metrics": 400, "trace_info": 7}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 1024**4, "5.0 TiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_bytes_are_written_as_people_read_them(number: int, said: str) -> None:
    assert size(number) == said
