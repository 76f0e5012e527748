"""Quantities in the form in which the API server gives them back: `1000m` is `1`."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

_FORM: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))"
    r"(?:(?P<binary>[KMGTPE]i)|(?P<decimal>[numkMGTPE])|[eE](?P<exponent>[+-]?\d+))?"
)
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_SUFFIX_OF: Final = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_SMALLEST: Final = Fraction(1, 10**9)
_KIBI: Final = 1024


class QuantityError(ValueError):
    """A text is not a quantity."""


def canonical(text: str) -> str:
    """Write a quantity without fraction, with the largest unit that loses nothing."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is not a quantity"
        raise QuantityError(message)
    value = Fraction(match["number"])
    if match["binary"]:
        value *= _KIBI ** _BINARY.index(match["binary"])
        if abs(value) >= _KIBI:
            return _with_binary_unit(math.ceil(value) if value > 0 else math.floor(value))
    value *= Fraction(10) ** (_DECIMAL[match["decimal"] or ""] + int(match["exponent"] or 0))
    return _with_decimal_unit(value, as_exponent=match["exponent"] is not None)


def _with_binary_unit(value: int) -> str:
    unit = 0
    while value % _KIBI == 0 and unit < len(_BINARY) - 1:
        value //= _KIBI
        unit += 1
    return f"{value}{_BINARY[unit]}"


def _with_decimal_unit(value: Fraction, *, as_exponent: bool) -> str:
    steps = value / _SMALLEST
    mantissa = math.ceil(steps) if steps > 0 else math.floor(steps)
    if mantissa == 0:
        return "0"
    exponent = _DECIMAL["n"]
    while mantissa % 1000 == 0 and exponent < _DECIMAL["E"]:
        mantissa //= 1000
        exponent += 3
    if as_exponent:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_SUFFIX_OF[exponent]}"
