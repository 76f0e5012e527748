"""Attacks on the availability of the deployed `dev` stack, one after the other: `python -m benchmarks.pressure [TEXT]`.

Run by `make pressure`. TEXT selects the attacks whose row or name contains it. Prints a line for each attack: the
latency of the other team's requests before and during the attack, the peaks of memory, and the answers to the
attackers.
"""

import sys

from benchmarks.pressure.attacks import attacks
from benchmarks.pressure.trial import HEADINGS, attempt, scene
from tools.stack import read_platform


def main() -> None:
    """Run the attacks and print the table."""
    text = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [attack for attack in attacks() if text in f"{attack.row} {attack.name}"]
    if not chosen:
        sys.exit(f"no attack has {text!r} in its name; rows are: {', '.join({a.row: None for a in attacks()})}")
    stage = scene(read_platform())
    print(HEADINGS)
    for attack in chosen:
        print(attempt(stage, attack).line(), flush=True)


if __name__ == "__main__":
    main()
