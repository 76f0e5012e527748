"""Comparison of the server's answers with each caller's permissions in RBAC."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, cast

from testbed.e2e.attack.table import Entry

ANYONE, NO_ONE, LISTED, MEMBER = "anyone", "no-one", "listed", "member"
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
# A program is told to sign in; a page leads there, or is another one that does.
SIGN_IN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FOUND, HTTPStatus.FORBIDDEN)


class Aim(StrEnum):
    """The workspace in a request's header, and the owner of the objects in the rest."""

    OWN = "own"
    """The caller's own workspace, and its own objects."""

    OTHER = "other"
    """The other team's workspace, and that team's objects."""

    COPIED = "copied"
    """The caller's own workspace, with ids of the other team's objects."""

    NONE = "no header"
    """No workspace, with ids of the other team's objects."""

    UNKNOWN = "unknown"
    """A workspace that does not exist, with ids of the other team's objects."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A caller."""

    name: str
    token: str = field(repr=False)
    """Token of the caller; empty for a caller who has not signed in."""

    workspace: str
    """The caller's own workspace, or the one that it takes for its own."""

    rights: frozenset[str]
    """"VERB RESOURCE" for each right that RBAC grants in the own workspace; in all others there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The parts of an answer that the comparison needs."""

    status: int
    text: str
    """Headers and body."""

    body: str

    def document(self) -> Any:  # noqa: ANN401 - any JSON
        """The body as JSON; None if it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def leaked(sent: str, answer: Answer, secrets: Iterable[str]) -> list[str]:
    """Secrets of the other team in the answer that the caller did not send itself."""
    return [secret for secret in secrets if secret in answer.text and secret not in sent]


def permitted(entry: Entry, caller: Caller, aim: Aim) -> bool:
    """True if RBAC allows the request."""
    if entry.needs in {(ANYONE,), (LISTED,)}:
        return True
    if entry.needs == (NO_ONE,):
        return False
    if entry.needs == (MEMBER,):
        # The path names the workspace, whatever the header says.
        return aim is Aim.OWN and bool(caller.rights)
    return aim in (Aim.OWN, Aim.COPIED) and caller.rights.issuperset(entry.needs)


def wrong(entry: Entry, caller: Caller, aim: Aim, answer: Answer) -> str:
    """Reason why an answer contradicts RBAC; empty if it agrees."""
    status = answer.status
    if not caller.token:
        right = status in SIGN_IN or (entry.path == "/health" and status == HTTPStatus.OK)
        return "" if right else f"not asked to sign in: {status}"
    if entry.disabled:
        return "" if status == HTTPStatus.NOT_FOUND else f"is served: {status}"
    if not permitted(entry, caller, aim):
        return "" if status in {*REFUSALS, *_elsewhere(aim)} else f"not refused: {status}"
    if entry.needs == (LISTED,):
        return _wrong_list(caller, aim, answer)
    if aim is Aim.COPIED and entry.names_objects and entry.needs[0] not in (ANYONE, LISTED):
        found = status < HTTPStatus.BAD_REQUEST and status != entry.copied
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in {entry.answers, entry.copied}
        return f"another workspace's id gets {status}" if found or failed else ""
    return _wrong_status(entry, aim, status)


def _wrong_status(entry: Entry, aim: Aim, status: int) -> str:
    if status in {entry.answers, *_elsewhere(aim)}:
        return ""
    return f"wrongly refused: {status}" if status in REFUSALS else f"fails: {status}, expected {entry.answers}"


def _elsewhere(aim: Aim) -> tuple[int, ...]:
    """Further statuses that refuse a request without a workspace, or with an unknown one."""
    return {Aim.NONE: (HTTPStatus.BAD_REQUEST,), Aim.UNKNOWN: (HTTPStatus.NOT_FOUND,)}.get(aim, ())


def _wrong_list(caller: Caller, aim: Aim, answer: Answer) -> str:
    if answer.status in _elsewhere(aim):
        return ""
    document = cast("Mapping[str, list[Mapping[str, str]]]", answer.document() or {})
    names = [workspace["name"] for workspace in document.get("workspaces", ())]
    expected = [caller.workspace] if caller.rights else []
    return "" if names == expected else f"lists {names}, expected {expected}"
