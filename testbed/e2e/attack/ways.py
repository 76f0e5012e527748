"""Attacks on an exposure of the platform: odd requests by strangers and one team's members on another workspace.

They run in each variant of exposure and login, because the hops between client and server differ.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus

from testbed.e2e.attack import oddities, raw
from testbed.e2e.visitor import Visitor
from testbed.e2e.web import Site

SEARCH = "/api/2.0/mlflow/experiments/search"
CREATE = "/api/2.0/mlflow/experiments/create"
WORKSPACES = "/api/3.0/mlflow/workspaces"
EVERYTHING = "?max_results=1000"
# After a request with a correct end the server closes the connection; after another it may wait for more.
SECONDS, LEFT_OPEN_SECONDS = 15, 2.5
# More than there are cores: many of these connections only wait.
AT_ONCE = 16
# Bodies that need no session: of `/health`, `/ping` and `/robots.txt`.
PUBLIC = (b"OK", b"User-agent: *")
# A chunked body begins with its length.
CHUNKED = b"transfer-encoding: chunked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Intruder:
    """Somebody without access to the owner's workspace."""

    name: str
    credentials: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Request headers; empty for somebody who has not signed in."""

    workspace: str = "team-a"
    """The intruder's own workspace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Somebody with access to the attacked workspace."""

    site: Site
    workspace: str
    credentials: Mapping[str, str] = field(repr=False)

    def create(self, name: str) -> None:
        """Create an experiment."""
        document = {"name": name}
        created = self.site.ask("POST", CREATE, workspace=self.workspace, headers=self.credentials, document=document)
        assert created.status == HTTPStatus.OK, created.body

    def experiments(self) -> list[str]:
        """Names of the workspace's experiments."""
        found = self.site.ask("GET", SEARCH + EVERYTHING, workspace=self.workspace, headers=self.credentials)
        assert found.status == HTTPStatus.OK, found.body
        return [experiment["name"] for experiment in found.json().get("experiments", ())]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One request of an attack."""

    name: str
    content: bytes = field(repr=False)
    forbidden: tuple[str, ...]
    """Texts that the answer must not contain."""

    signed_in: bool
    seconds: float = SECONDS

    def carried_out(self, site: Site) -> str:
        """Send the request; returns what is wrong with the answer, or an empty string."""
        try:
            received = raw.exchange(site, self.content, seconds=self.seconds)
        except OSError as error:
            return f"{self.name}: {error}"
        if not received and self.seconds == SECONDS:
            return f"{self.name}: no answer"
        reason = wrong(received, forbidden=self.forbidden, signed_in=self.signed_in)
        return f"{self.name}: {reason}" if reason else ""


def bearer(token: str) -> dict[str, str]:
    """The header of a bearer token."""
    return {"Authorization": f"Bearer {token}"}


def cookies(visitor: Visitor) -> dict[str, str]:
    """The header of a visitor's session."""
    return {"Cookie": "; ".join(f"{one.name}={one.value}" for one in visitor.cookies if "mlflow" in one.name)}


def holes(owner: Owner, intruders: Sequence[Intruder]) -> list[str]:
    """Attacks that succeeded: an intruder saw or changed the owner's workspace, or was taken for somebody else."""
    site, number = owner.site, uuid.uuid4().hex[:12]
    kept, planted = f"kept-{number}", f"planted-{number}"
    owner.create(kept)
    attempts = [
        attempt for intruder in intruders for attempt in attempts_of(site, intruder, owner.workspace, kept, planted)
    ]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = [reason for reason in pool.map(Attempt.carried_out, attempts, [site] * len(attempts)) if reason]
    left = owner.experiments()
    if kept not in left:
        found.append(f"{owner.workspace} has lost an experiment")
    if planted in left:
        found.append(f"{owner.workspace} has a foreign experiment")
    return found


def attempts_of(site: Site, intruder: Intruder, other: str, kept: str, planted: str) -> Iterator[Attempt]:
    """All attacks by one intruder on workspace `other`.

    `kept` is a name in that workspace that an answer would betray, and `planted` the name to create there.
    """
    signed_in = bool(intruder.credentials)

    def attempt(kind: str, content: bytes, forbidden: str, seconds: float = SECONDS) -> Attempt:
        return Attempt(
            name=f"{intruder.name}, {kind}",
            content=content,
            forbidden=(forbidden,),
            signed_in=signed_in,
            seconds=seconds,
        )

    document = json.dumps({"name": planted}).encode()
    own = _lines(intruder.credentials.items())
    into = (*own, f"X-MLFLOW-WORKSPACE: {other}")
    for path in oddities.paths(SEARCH, prefix=site.path, host=site.host):
        yield attempt(f"GET {path}", request(site.host, "GET", path + EVERYTHING, into), kept)
    if signed_in:
        for path in oddities.paths(CREATE, prefix=site.path, host=site.host):
            yield attempt(f"POST {path}", request(site.host, "POST", path, into, document), kept)
    for kind, lines in oddities.headers(own=intruder.workspace, other=other).items():
        search = request(site.host, "GET", site.path + SEARCH + EVERYTHING, _with_workspace(own, lines, other))
        yield attempt(f"search with {kind}", search, kept)
        workspaces = request(site.host, "GET", site.path + WORKSPACES, _with_workspace(own, lines, ""))
        if not _names_a_workspace(lines):
            # An error may quote the request.
            yield attempt(f"workspaces with {kind}", workspaces, f'"{other}"')
        create = request(site.host, "POST", site.path + CREATE, _with_workspace(own, lines, other), document)
        yield attempt(f"create with {kind}", create, kept)
    hidden = request(
        site.host,
        "POST",
        site.path + CREATE,
        (f"X-MLFLOW-WORKSPACE: {other}", f"X-Forwarded-Email: {oddities.BOB}", f"X-Forwarded-Groups: {oddities.POWER}"),
        document,
    ).decode()
    for kind, rest in oddities.TWO_LENGTHS.items():
        head = request(site.host, "POST", site.path + SEARCH, into, end=False)
        content = head + rest.replace("SMUGGLED", hidden).encode()
        yield attempt(f"hidden request, {kind}", content, kept, LEFT_OPEN_SECONDS)


def request(host: str, method: str, path: str, lines: Sequence[str], body: bytes = b"", *, end: bool = True) -> bytes:
    """The bytes of a request with some header lines; without `end` the caller adds the last ones and the body."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", *lines]
    if not end:
        return "\r\n".join([*head, ""]).encode("latin-1")
    if not any(line.lower().startswith("connection:") for line in lines):
        head.append("Connection: close")
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def wrong(received: bytes, *, forbidden: Iterable[str], signed_in: bool) -> str:
    """Reason why an answer is wrong; empty if it is right."""
    for text in forbidden:
        if text.encode() in received:
            return f"the answer contains {text}"
    statuses = raw.statuses(received)
    served = [status for status in statuses if status < HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.CONTINUE]
    if not signed_in and served and not _is_public(received):
        return f"answered {served[0]} without a login"
    if HTTPStatus.SWITCHING_PROTOCOLS in statuses:
        return "the connection has become another protocol's"
    return ""


def _is_public(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    if CHUNKED in head.lower():
        body = body.partition(b"\r\n")[2]
    return body.startswith(PUBLIC) or not body


def _lines(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{name}: {value}" for name, value in headers)


def _with_workspace(own: Sequence[str], lines: Sequence[str], workspace: str) -> list[str]:
    """The header lines of a request, with the workspace unless an attack names one itself."""
    named = [f"X-MLFLOW-WORKSPACE: {workspace}"] if workspace and not _names_a_workspace(lines) else []
    return [*own, *named, *lines]


def _names_a_workspace(lines: Iterable[str]) -> bool:
    return any(line.lower().startswith("x-mlflow-workspace:") for line in lines)
