"""Remove what a kill in the middle of a write has torn: `python -m tools.torn_state`, before anything reads the state.

Pulumi's file backend writes the state itself under another name and renames it, but not the small attributes file
(`*.attrs`) beside it; an empty one ends every command with "failed to load checkpoint: EOF". Nothing is lost with it.
"""

import json
import os
from pathlib import Path

FILE_BACKEND = "file://"


def main() -> None:
    """Remove the attributes files of a file backend that hold no JSON."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    if not backend.startswith(FILE_BACKEND):
        return
    for path in (Path(backend.removeprefix(FILE_BACKEND)) / ".pulumi").rglob("*.attrs"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
