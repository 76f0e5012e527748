"""Enlarge the volumes of a deployed stack to the sizes in its stack file.

`python -m tools.growth grow STACK [--yes STACK]` compares the sizes that the program registers with the state and the
cluster, says what it will do, asks, and does it (docs/volumes.md). Before the first change it names everything that
prevents it.

`python -m tools.growth check STACK` only says, before a preview or an `up`, which sizes `up` cannot reach.

Exit codes: 0 done, or nothing to do; 1 something prevents it, or it has stopped.
"""

import argparse
import sys
from collections.abc import Sequence

from tools.growth import state
from tools.growth.check import check
from tools.growth.claims import AGAIN, Growing, GrowthError
from tools.growth.cluster import Cluster
from tools.growth.judgement import Judgement, judge
from tools.growth.recreation import recreate, wait_until_ready
from tools.growth.verification import verify
from tools.growth.volumes import Holder, holders
from tools.kubectl import ClusterError
from tools.preflight.wanted import MistakeError, wanted
from tools.stack_file import UnknownError, UnreadableError, read


def grow(stack: str, yes: str) -> int:
    """Enlarge the volumes of a stack; returns the exit code.

    Raises:
        GrowthError: growing has stopped before its end.
    """
    needs = wanted(read(stack), stack)
    exported = state.deployment(stack)
    found = holders(needs, state.resources(exported))
    if not found:
        print(f"stack {stack} has deployed no volumes")
        return 0
    context = needs.settings.cluster.context
    cluster = Cluster(context)
    judgement = judge(exported, found, cluster)
    for note in judgement.notes:
        print(f"note: {note}")
    if judgement.faults:
        print("\n".join(("nothing was changed:", *(f"- {one}" for one in judgement.faults))), file=sys.stderr)
        return 1
    if not judgement.steps:
        print(f"all {len(found)} volumes of stack {stack} have the sizes in its file")
        return 0
    print("\n".join((f"To enlarge the volumes of stack {stack}:", *(f"- {one}" for one in judgement.steps))))
    if judgement.growths:
        print("A pod restarts only if the driver of its volume cannot enlarge a file system in use.")
    if yes != stack and not _confirmed(stack):
        print("nothing was changed")
        return 1
    _carry_out(stack, judgement, cluster, context)
    return 0


def _confirmed(stack: str) -> bool:
    try:
        return input("Volumes cannot shrink again. Type the name of the stack to continue: ") == stack
    except EOFError:
        print()
        return False


def _carry_out(stack: str, judgement: Judgement, cluster: Cluster, context: str | None) -> None:
    growing = Growing(cluster, judgement.growths, _say)
    growing.request()
    growing.wait()
    for one in judgement.recreations:
        recreate(one, context, _say)
        wait_until_ready(cluster, one.holder, _say)
        _say(f"{one.holder.object} is there again, with the new size")
    _into_state(stack, judgement.stale)
    print(f"done: run `make up STACK={stack}` for whatever else the stack file changes")


def _into_state(stack: str, stale: Sequence[Holder]) -> None:
    if not stale:
        return
    try:
        state.refresh(stack, [one.urn for one in stale])
        verify(stack, stale, _say)
    except state.StateError as error:
        raise GrowthError(
            f"the volumes are larger, and the stack's state does not know it yet: {error}\n{AGAIN}"
        ) from None


def _say(text: str) -> None:
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("grow", "check"))
    parser.add_argument("stack", metavar="STACK", help="name of the stack with the file Pulumi.STACK.yaml")
    parser.add_argument("--yes", default="", metavar="STACK", help="the name of the stack, instead of the question")
    options = parser.parse_args(arguments)
    if options.command == "check":
        return check(options.stack)
    try:
        return grow(options.stack, options.yes)
    except (ClusterError, GrowthError, MistakeError, UnknownError, UnreadableError, state.StateError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"stopped. {AGAIN}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
