"""The attackers as a process of their own: `python -m benchmarks.pressure.attacker`, with a JSON `Order` on stdin.

They run with the lowest priority: in production attackers do not use the processors of the server's node.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.load import Way
from benchmarks.pressure.attacks import Attack, Target, attacks

LOWEST_PRIORITY = 19
# After a refusal, as a client that does not try hard to be polite.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One attack, its target and its duration."""

    row: str
    name: str
    target: Target
    seconds: float


def found(order: Order) -> Attack:
    """The attack that the order names."""
    return next(attack for attack in attacks() if (attack.row, attack.name) == (order.row, order.name))


def run(order: Order, stop: threading.Event) -> Counter[str]:
    """Attack until the time is over or `stop` is set; returns the number of answers by status."""
    attack = found(order)
    end = time.monotonic() + order.seconds
    threading.Timer(order.seconds, stop.set).start()

    def client(number: int) -> Counter[str]:
        seen = Counter[str]()
        while time.monotonic() < end and not stop.is_set():
            seen[attack.send(order.target, number, stop)] += 1
            stop.wait(PAUSE_SECONDS)
        return seen

    with ThreadPoolExecutor(attack.clients) as pool:
        return sum(pool.map(client, range(attack.clients)), Counter[str]())


def as_json(order: Order) -> str:
    """The order as JSON for another process."""
    return json.dumps(asdict(order))


def _way(document: dict[str, Any]) -> Way:
    host, port = document.pop("address")
    return Way(address=(host, port), **document)


def main() -> None:
    """Read an order from standard input, carry it out, and print the number of answers by status."""
    os.nice(LOWEST_PRIORITY)
    stop = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    document = json.load(sys.stdin)
    target = document.pop("target")
    way, login = _way(target.pop("way")), _way(target.pop("login"))
    order = Order(**document, target=Target(way=way, login=login, **target))
    # What the attack sends is made before its time begins.
    print(json.dumps(run(order, stop)))


if __name__ == "__main__":
    main()
