"""Differences between the answers to a case and to its twin, which are judged again with new objects."""

from collections.abc import Callable, Sequence

from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.generated.run import Fault, Outcome

# More cases whose twins differ have a cause of their own, and would take too long to send again one by one.
MOST_REPEATED = 40


def compares(fault: Fault) -> bool:
    """True if the fault is a difference between the answers to a case and to its twin."""
    return fault.what.startswith("twins differ: ")


def confirmed(faults: Sequence[Fault], cases: Sequence[Case], repeat: Callable[[Case], Outcome]) -> list[Fault]:
    """Faults without the differences that do not come back when their case is sent again, alone, to new objects.

    An earlier case may have given the victim's name, or the name in its twin, to an object of the attacker's own
    team. A search for this name then finds that object instead of the victim's.

    Args:
        faults: the faults of a run.
        cases: all cases of the run.
        repeat: sends one case, with new objects for attackers and victim.
    """
    differing = {fault.case for fault in faults if compares(fault)}
    if len(differing) > MOST_REPEATED:
        return [*faults]
    again = [repeat(case) for case in cases if str(case) in differing]
    return [*(fault for fault in faults if not compares(fault)), *(fault for one in again for fault in one.faults)]
