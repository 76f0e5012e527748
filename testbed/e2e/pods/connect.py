"""Runs in a probe pod: tries to connect to every given address and port, all at once.

Reads a list of [address, port, protocol] from its input and prints a list of true and false in the same order.
"""

import contextlib
import json
import select
import socket
import sys
import time

# Refusals come at once; this is for what is dropped on its way.
SECONDS = 4.0
AGAIN_SECONDS = 0.5
ANSWER_BYTES = 512
# Asks for the address of `kubernetes`: a name server answers, and so do the probe pods.
QUESTION = b"\x124\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0akubernetes\x00\x00\x01\x00\x01"


def main() -> None:
    """Try everything, and print what was reached."""
    targets: list[tuple[str, int, str]] = json.load(sys.stdin)
    reached = [False] * len(targets)
    waiting: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    for number, (address, port, protocol) in enumerate(targets):
        streams = protocol == "TCP"
        attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM if streams else socket.SOCK_DGRAM)
        attempt.settimeout(0)
        attempt.connect_ex((address, port))
        waiting[attempt.fileno()] = (number, attempt)
        poll.register(attempt, select.POLLOUT if streams else select.POLLIN)
    end = time.monotonic() + SECONDS
    asked = 0.0
    while waiting and (left := end - time.monotonic()) > 0:
        if time.monotonic() - asked > AGAIN_SECONDS:
            asked = time.monotonic()
            for _, attempt in waiting.values():
                if attempt.type == socket.SOCK_DGRAM:
                    with contextlib.suppress(OSError):
                        attempt.send(QUESTION)
        for found, _ in poll.poll(min(left, AGAIN_SECONDS) * 1000):
            number, attempt = waiting.pop(found)
            poll.unregister(found)
            reached[number] = _answered(attempt)
            attempt.close()
    print(json.dumps(reached))


def _answered(attempt: socket.socket) -> bool:
    if attempt.type == socket.SOCK_STREAM:
        return attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    try:
        return bool(attempt.recv(ANSWER_BYTES))
    except OSError:
        return False


main()
