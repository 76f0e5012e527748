"""Scripts that run in the pods, kept as files of their own so that they can be read, linted and tested."""

from pathlib import Path


def script(name: str) -> str:
    """Text of the script `name` beside this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
