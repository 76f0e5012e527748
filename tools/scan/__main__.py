"""Run third-party scanners over the objects of stacks, the server's image and the workflows.

`python -m tools.scan [--json] [--only SCANNER] [STACK...]`; without a stack, all stack files here, the examples
in tools/scan/stacks, the image and the workflows. Scanners that are missing are installed first. Exceptions are in
tools/scan/exceptions.yaml.

Exit codes: 0 all findings have an exception; 1 some have none, or an exception matches nothing; 2 a scanner failed, or
a stack file has mistakes.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools import check, stack_file
from tools.scan import exceptions, programs, rendered, report, scanners
from tools.scan.exceptions import Judgement
from tools.scan.findings import OutputError

WRONG = 2
FAILURES = (
    exceptions.UnreadableError,
    rendered.MistakesError,
    stack_file.UnknownError,
    stack_file.UnreadableError,
    programs.InstallError,
    OutputError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings of the scanners; returns the exit code."""
    options = _parser().parse_args(arguments)
    names = options.only or list(scanners.SCANNERS)
    start = time.monotonic()
    try:
        judgement, stacks = scan(names, options.stacks)
    except FAILURES as error:
        print(error, file=sys.stderr)
        return WRONG
    if options.json:
        print(json.dumps(report.as_json(judgement), indent=2, ensure_ascii=False))
    else:
        print(report.as_text(judgement, names, stacks, time.monotonic() - start))
    return 0 if judgement.passed else 1


def scan(names: Sequence[str], stacks: Sequence[str]) -> tuple[Judgement, list[str]]:
    """Scan stacks, or everything; also returns the names of what was scanned.

    Raises:
        one of FAILURES: a scanner, a stack file or the file with exceptions does not work.
    """
    known = exceptions.read()
    given = rendered.sources(list(stacks) or check.stacks()) | ({} if stacks else rendered.examples())
    program = scanners.install(names, lambda text: print(text, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory() as folder:
        scanned = [rendered.write(stack, source, Path(folder) / stack) for stack, source in given.items()]
        found = scanners.run(scanners.tasks(program, scanned))
    whole = not stacks and len(names) == len(scanners.SCANNERS)
    return exceptions.judge(found, known, datetime.now(UTC).date(), whole=whole), list(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.scan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stacks", nargs="*", metavar="STACK", help="stack to scan (default: everything)")
    parser.add_argument("--only", action="append", choices=scanners.SCANNERS, help="run this scanner alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
