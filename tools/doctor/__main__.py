"""Command that names the first fault of a deployed platform, and the command that fixes it.

`python -m tools.doctor [--stack NAME] [--context NAME] [--client VERSION] [--json] [--save FILE | --from FILE]`. It
only reads, with the rights of the caller, and says what it could not look at.

Exit codes: 0 the platform is healthy; 1 there is a fault; 2 no fault was found, but not everything could be looked at,
or an argument is wrong.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.doctor import report
from tools.doctor.chapters import diagnose
from tools.doctor.collect import UnreadableError, gather
from tools.doctor.facts import Facts
from tools.terminal import Progress, shows_colours
from tools.versions import CHECKOUT, pinned

CLIENT_REQUIREMENTS = CHECKOUT / "tools" / "client" / "requirements.in"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the diagnosis; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", default="", help="name of the stack (default: the selected one)")
    parser.add_argument("--context", default="", help="kubeconfig context to write into the commands of remedies")
    parser.add_argument("--client", default="", help="version of the MLflow client in use, such as 3.17.2")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", type=Path, help="write the facts to this file; they contain no secrets")
    parser.add_argument("--from", type=Path, dest="source", help="judge facts from this file instead of a platform")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    progress = Progress()
    try:
        if options.source is not None:
            facts = Facts(json.loads(options.source.read_text(encoding="utf-8")))
        else:
            client = options.client or pinned(CLIENT_REQUIREMENTS.read_text(encoding="utf-8"))
            suffix = "".join(
                f" {name}={value}" for name, value in (("STACK", options.stack), ("CONTEXT", options.context)) if value
            )
            facts = gather(options.stack, client=client, arguments=suffix, say=progress.say)
    except UnreadableError as error:
        print(_unreadable(str(error), as_json=options.json))
        return report.UNSEEN
    finally:
        progress.end()
    if options.save is not None:
        options.save.write_text(facts.as_json() + "\n", encoding="utf-8")
    diagnosis = diagnose(facts)
    seconds = time.monotonic() - start
    if options.json:
        print(report.as_json(facts, diagnosis, seconds))
    else:
        print(report.as_text(facts, diagnosis, seconds, coloured=shows_colours()))
    return report.outcome(diagnosis, report.needed(facts))


def _unreadable(error: str, *, as_json: bool) -> str:
    what, _, needs = error.partition(": ")
    if not as_json:
        return f"could not look at {what}: needs {needs}"
    empty = {"version": report.VERSION, "result": "unseen", "url": None, "fault": None}
    return json.dumps({**empty, "unseen": [{"what": what, "needs": needs}], "chapters": [], "seconds": 0.0}, indent=2)


if __name__ == "__main__":
    sys.exit(main())
