"""Scripts and configuration files of the pods, as files that can be read, linted and tested."""

from pathlib import Path


def script(name: str) -> str:
    """Content of the file `name` in this directory."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
