"""Command that names what a cluster lacks for a stack, before `make up`, each with its remedy.

`python -m tools.preflight [--json] STACK`. It asks the cluster of `cluster.context`, or of the current context,
with the rights of the caller, and changes nothing: the one object that it creates is created in a dry run.

Exit codes: 0 nothing is missing; 1 something is; 2 nothing missing was found, but not everything could be asked, or
nothing at all: no cluster, no such stack, mistakes in the stack file.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from tools.doctor.collect.cluster import Cluster
from tools.preflight import report
from tools.preflight.api import Api
from tools.preflight.checks import Finding, ask_all
from tools.preflight.wanted import MistakeError, wanted
from tools.stack_file import UnknownError, UnreadableError, read
from tools.terminal import Progress, shows_colours

# On a cluster that answers, all questions take a few seconds.
SECONDS = 30


class ClusterError(Exception):
    """No cluster can be reached; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is missing; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.preflight", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stack", metavar="STACK", help="name of the stack with the file Pulumi.STACK.yaml")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        findings = _findings(options.stack)
    except (UnknownError, UnreadableError, MistakeError, ClusterError) as error:
        print(
            _unaskable(options.stack, str(error)) if options.json else error, file=None if options.json else sys.stderr
        )
        return report.UNSEEN
    seconds = time.monotonic() - start
    if options.json:
        print(report.as_json(options.stack, findings, seconds))
    else:
        print(report.as_text(options.stack, findings, seconds, coloured=shows_colours()))
    return report.outcome(findings)


def _findings(stack: str) -> list[Finding]:
    progress = Progress()
    try:
        progress.say("running the program without a cluster, to see what it registers")
        needs = wanted(read(stack), stack)
        progress.say("asking the cluster")
        return ask_all(needs, Api(_cluster(needs.settings.cluster.context), SECONDS))
    finally:
        progress.end()


def _cluster(context: str | None) -> Cluster:
    try:
        cluster = Cluster(context)
        cluster.clock()
    except Exception as error:  # a kubeconfig can be wrong in many ways, and credential plugins fail in their own
        needs = f"the context `{context}` of `cluster.context` in the kubeconfig" if context else "a kubeconfig"
        message = f"no cluster can be asked: needs {needs}, and an API server that answers: {error}"
        raise ClusterError(message) from error
    return cluster


def _unaskable(stack: str, error: str) -> str:
    return json.dumps(
        {
            "version": report.VERSION,
            "result": report.RESULTS[report.UNSEEN],
            "stack": stack,
            "missing": [],
            "unseen": [{"what": "everything", "needs": error}],
            "notes": [],
            "checks": [],
            "seconds": 0.0,
        },
        indent=2,
    )


if __name__ == "__main__":
    sys.exit(main())
