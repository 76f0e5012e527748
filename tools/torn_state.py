"""Remove incomplete attributes files of Pulumi's file backend: `python -m tools.torn_state`, before any Pulumi command.

Pulumi writes the state atomically, but not the small attributes file (`*.attrs`) beside it. If Pulumi is killed while
it writes this file, an empty file remains, and every Pulumi command fails with "failed to load checkpoint: EOF". The
content of the file is not needed.
"""

import json
import os
from pathlib import Path

FILE_BACKEND = "file://"


def main() -> None:
    """Remove the attributes files that are not valid JSON."""
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
