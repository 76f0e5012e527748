from __future__ import annotations

import pytest

from testbed.providers.kubernetes.quantity import QuantityError, canonical


@pytest.mark.parametrize(
    ("written", "given_back"),
    [
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.1", "100m"),
        ("1", "1"),
        ("1000", "1k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("512", "512"),
        ("1e3", "1e3"),
        ("1E", "1E"),
        ("0Gi", "0"),
        ("-2000m", "-2"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        (" 64Mi ", "64Mi"),
    ],
)
def test_a_quantity_is_written_as_the_api_server_gives_it_back(written: str, given_back: str) -> None:
    assert canonical(written) == given_back


@pytest.mark.parametrize("written", ["", "1 Gi", "1GiB", "many", "1mi", "--1"])
def test_what_is_not_a_quantity_is_refused(written: str) -> None:
    with pytest.raises(QuantityError, match="is not a quantity"):
        canonical(written)
