"""`make usage`: what each team has stored, in the database and in the artifact store.

usage: python -m tools.usage [--format text|csv|json]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tools.stack import Platform, read_platform
from tools.usage.report import Report, as_csv, as_json, as_text

MEASURE = Path(__file__).with_name("server") / "measure.py"
FORMATS = {"text": as_text, "csv": as_csv, "json": as_json}


def measured(platform: Platform) -> Report:
    """Count what the teams of a platform have stored.

    Raises:
        SystemExit: the server's pod cannot be asked.
    """
    teams = json.dumps([{"name": name, "single": team.workspace is None} for name, team in platform.teams.items()])
    where = ("deployment/mlflow", f"--namespace={platform.namespace}", "--container=mlflow")
    command = ("kubectl", "exec", "--stdin", *where, "--", "python3", "-W", "ignore", "-", teams)
    lines: list[str] = []
    with (
        MEASURE.open(encoding="utf-8") as script,
        subprocess.Popen(command, stdin=script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        for line in process.stdout or ():
            lines.append(line)
            if sys.stderr.isatty():
                print(f"\r{len(lines)} of {len(platform.teams)} teams ", end="", file=sys.stderr, flush=True)
        said = process.stderr.read().strip() if process.stderr else ""
    if process.returncode:
        sys.exit(f"the server's pod cannot be asked: {said}")
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    return Report.read(lines)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--format", choices=tuple(FORMATS), default="text")
    options = parser.parse_args()
    platform = read_platform()
    if platform.external:
        sys.exit("the tracking server is not part of this stack: ask its operator")
    print(FORMATS[options.format](measured(platform)))


if __name__ == "__main__":
    main()
