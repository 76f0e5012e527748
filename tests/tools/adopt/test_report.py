import json
import math
from pathlib import Path

import pytest

from tools.adopt import digest
from tools.adopt.report import Compared, Report, Side, amount, as_json, as_text


def side(**changed: str) -> Side:
    digests = {"runs": "1" * 64, "files": "2" * 64} | changed
    return Side({"runs": 2, "files": 3, "bytes": 3 << 20}, digests)


def report(new: Side, *differences: str) -> Report:
    return Report("old.db", "team-a", [Compared("iris", side(), new, list(differences))])


def test_a_move_with_the_same_on_both_sides_is_done() -> None:
    same = report(side())
    assert same.complete
    text = as_text(same)
    assert text.splitlines()[-1] == "DONE: team-a has the same as old.db"
    row = text.splitlines()[1].split()
    assert (row[0], row[-1]) == ("iris", "same")
    assert "3.0 MiB" in text


def test_another_hash_is_different_even_if_the_counts_are_the_same() -> None:
    different = report(side(files="3" * 64), "run 1: files differ")
    assert not different.complete
    text = as_text(different)
    assert "iris, old" in text
    assert "DIFFERENT: iris: run 1: files differ" in text
    hashes = {line.split()[-2] if line.endswith("DIFFERENT") else line.split()[-1] for line in text.splitlines()[1:3]}
    assert len(hashes) == 2
    assert text.splitlines()[-1].startswith("NOT COMPLETE: ")


def test_a_difference_without_a_sentence_has_one() -> None:
    assert "DIFFERENT: iris: counts or hashes differ" in as_text(report(side(runs="4" * 64)))


def test_what_could_not_be_read_on_either_side_is_not_the_same() -> None:
    assert not report(side(), "run 1: cannot be read").complete


def test_a_failure_is_not_complete_and_what_is_left_out_by_rule_is() -> None:
    left_out = Report("old.db", "team-a", left_out=["2 deleted runs"])
    assert left_out.complete
    assert "left out: 2 deleted runs" in as_text(left_out)
    assert not Report("old.db", "team-a", failed=["run 1, file x: gone"]).complete


def test_many_failures_are_counted_and_json_has_them_all() -> None:
    many = Report("old.db", "team-a", failed=[f"run {number}" for number in range(20)])
    assert "FAILED: and 8 more; JSON=1 shows all" in as_text(many)
    document = json.loads(as_json(many))
    assert len(document["failed"]) == 20
    assert document["complete"] is False


def test_the_order_of_rows_does_not_matter_and_their_content_does() -> None:
    assert digest.rows([["a", 1], ["b", 2]]) == digest.rows([["b", 2], ["a", 1], ["a", 1]])
    assert digest.rows([["a", 1]]) != digest.rows([["a", 2]])


@pytest.mark.parametrize(("value", "stored"), [(math.inf, digest.LARGEST), (-math.inf, -digest.LARGEST), (1, 1.0)])
def test_a_number_is_the_one_that_a_database_gives_back(value: float, stored: float) -> None:
    assert digest.number(value) == digest.number(stored)
    assert digest.number(math.nan) == "NaN"


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert digest.file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_bytes_are_shown_in_the_unit_that_fits() -> None:
    assert [amount(1023), amount(1536), amount(5 << 40)] == ["1023 B", "1.5 KiB", "5.0 TiB"]
