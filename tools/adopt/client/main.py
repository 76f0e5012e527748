"""The process that writes to the platform, with the platform's environment variables and token.

Its standard input is a line of JSON with the options, and then a token in each line: service-account tokens are valid
for ten minutes. It ends when its input does.
"""

import json
import logging
import os
import sys
import tempfile
import threading
import warnings


def main():
    """Move, compare, and print the report."""
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_renew, daemon=True).start()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    with tempfile.TemporaryDirectory(prefix="adopt-", dir=given["reader"].get("TMPDIR")) as folder:
        sys.exit(_run(given["options"] | {"folder": folder}, given["reader"]))


def _renew():
    for line in sys.stdin:
        if line.strip():
            os.environ["MLFLOW_TRACKING_TOKEN"] = line.strip()
    os._exit(1)


def _run(options, reader):
    from mlflow.exceptions import MlflowException

    from tools.adopt.client.content import Content
    from tools.adopt.client.link import GoneError, Link, OtherSideError
    from tools.adopt.client.move import StoppedError
    from tools.adopt.client.plan import RefusedError

    command = [sys.executable, "-m", "tools.adopt.client.reader", options["folder"]]
    source = Link([*command, *options["artifacts"]], reader)
    try:
        source.open()
        return _moved(source, Content(os.environ["MLFLOW_TRACKING_URI"]), options)
    except (GoneError, RefusedError, StoppedError) as error:
        return f"adopt: {error}"
    except OtherSideError as error:
        return f"adopt: {str(error).partition(': ')[2]}"
    except MlflowException as error:
        return f"adopt: {options['target']} answers: {error}"


def _moved(source, target, options):
    from tools.adopt.client.compare import Comparison
    from tools.adopt.client.move import Move
    from tools.adopt.client.plan import plan, preview, preview_text
    from tools.adopt.report import Report, as_json, as_text

    made = plan(source, target, options)
    if options["dry"]:
        found = preview(made, source, options)
        print(json.dumps(found, indent=2) if options["json"] else preview_text(found))
        return 0
    report = Report(source=options["origin"], target=options["target"], left_out=made.left_out)
    move = Move(source, target, made, options, report)
    move.everything()
    Comparison(move).everything()
    print(as_json(report) if options["json"] else as_text(report))
    return 0 if report.complete else 1


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # Threads may be within requests.
        os._exit(130)
