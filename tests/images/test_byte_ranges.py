"""Parsing of the Range header."""

import pytest
from mlflow_platform_server.byte_ranges import UnsatisfiableRangeError, span


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-1000", (10, 100)),
        ("bytes=10-", (10, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
    ],
)
def test_one_range_of_bytes_is_understood(header: str, expected: tuple[int, int]) -> None:
    assert span(header, 100) == expected


@pytest.mark.parametrize(
    "header", [None, "", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,5-6", "lines=1-2", "bytes=9-3"]
)
def test_anything_else_means_all_of_it(header: str | None) -> None:
    assert span(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 9), ("bytes=0-", 0)]
)
def test_a_range_beyond_the_end_is_refused(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        span(header, size)


@pytest.mark.parametrize("digits", [1, 18, 19, 20, 640, 641, 4300, 4301, 20_000])
@pytest.mark.parametrize("header", ["bytes={}-", "bytes={}-{}", "bytes=0-{}", "bytes=-{}"])
def test_a_number_of_any_length_has_an_answer(header: str, digits: int) -> None:
    """A file has at most 19 digits; beyond some hundreds of them Python's `int` fails."""
    number = "9" * digits
    try:
        found = span(header.replace("{}", number), 100)
    except UnsatisfiableRangeError:
        assert header.startswith("bytes={}")
        assert digits <= 19
    else:
        assert found in ({(0, 100), (91, 100), (9, 10), (9, 100), (0, 10)} if digits <= 19 else {None})
