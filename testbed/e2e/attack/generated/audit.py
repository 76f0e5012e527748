"""Comparison of what was sent with the platform's audit log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from testbed.e2e.attack.generated.run import Sent
from tools.audit.records import records

FORBIDDEN = (401, 403, 404)
BAD_REQUEST = 400
# The login refuses what has no valid identity, and redirects paths with dots, before anything reaches the server.
LOGIN, REDIRECTED = 401, 301
SAFE = ("GET", "HEAD")


def read(log: str, pods: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Audit records by request id, out of the output of the server's pods, which have these UIDs."""
    return {record.request: record.fields for pod in pods for record in records(log, pod)}


def required(sent: Sent) -> bool:
    """True if the request must be in the log: it changes something, or was refused."""
    if sent.status == LOGIN or (sent.status == REDIRECTED and not sent.request_id):
        return False
    return (not sent.reads and sent.method not in SAFE) or sent.status in FORBIDDEN


def gaps(sent: Sequence[Sent], log: Mapping[str, Mapping[str, Any]], users: Mapping[str, str]) -> list[str]:
    """Requests that the log lacks, or ascribes to somebody else; `users` are the callers' names in the log."""
    found: list[str] = []
    for one in sent:
        what = f"{one.method} {one.path} of {one.caller}, {one.status}"
        line = log.get(one.request_id)
        if line is None:
            if required(one):
                found.append(f"{what}: not in the audit log" if one.request_id else f"{what}: no X-Request-ID")
        elif line.get("user") != users[one.caller]:
            found.append(f"{what}: ascribed to {line.get('user')}")
        elif line.get("status") != one.status:
            found.append(f"{what}: recorded with status {line.get('status')}")
    return found
