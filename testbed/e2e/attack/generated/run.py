"""Sends the cases, each with its twin, and the callers' own requests."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from testbed.e2e.attack import verdict, world
from testbed.e2e.attack.generated import judge, references
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.table import JSON_HEADERS, Entry, Request, fill
from testbed.e2e.attack.verdict import Aim, Answer, Caller
from testbed.e2e.attack.world import World

READS = ("get ", "list ", verdict.ANYONE, verdict.LISTED, verdict.MEMBER)
# One request may use up what the next needs: what differs once is sent again, the twin first.
ATTEMPTS = 3
UNKNOWN_WORKSPACE = "no-such-team"
# Collections with the least page, whose answers carry page tokens.
PAGED: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "token_experiments": ("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 1}),
    "token_runs": ("POST", "/api/2.0/mlflow/runs/search", {"max_results": 1, "experiment_ids": ["$experiment"]}),
    "token_registered": ("GET", "/api/2.0/mlflow/registered-models/search?max_results=1", {}),
    "token_traces": (
        "POST",
        "/api/3.0/mlflow/traces/search",
        {
            "max_results": 1,
            "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "$experiment"}}],
        },
    ),
}


class Sender(Protocol):
    """A connection."""

    def send(self, request: Request, *, token: str = "", workspace: str = "") -> Answer:
        """Send a request as somebody, to a workspace."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The attackers, and the team that they attack."""

    connect: Callable[[], Sender]
    callers: Mapping[str, Caller]
    """The attackers, by name."""

    worlds: Mapping[str, World]
    """Objects of each attacker's own team to send beside the victim's, by the attacker's name."""

    homes: Mapping[str, World]
    """Objects for well-formed requests of each attacker who has rights, by name."""

    victim: World
    said: set[str] = field(default_factory=set[str], repr=False)
    """Values of the victim that a request has contained, so that an attacker's own objects may contain them."""

    def untold(self, request: Request) -> frozenset[str]:
        """Values of the victim that no request up to this one has contained."""
        self.said.update(secret for secret in self.victim.secrets if secret in request.text)
        return self.victim.secrets - self.said


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A request that was sent, for the comparison with the audit log."""

    caller: str
    request_id: str
    method: str
    path: str
    status: int
    reads: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault of a case, or of a request to the caller's own objects."""

    what: str
    case: str
    """The case with its number, or the request to the caller's own objects."""

    request: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.case}: {self.what}\n    {self.request}"


@dataclass(slots=True)
class Outcome:
    """Findings of a run."""

    faults: list[Fault] = field(default_factory=list[Fault])
    sent: list[Sent] = field(default_factory=list[Sent])
    cases: int = 0
    own: int = 0
    seconds: float = 0.0

    def add(self, other: "Outcome") -> None:
        """Add what another part of the run has found."""
        self.faults += other.faults
        self.sent += other.sent
        self.cases += other.cases
        self.own += other.own


def with_tokens(sender: Sender, owner: Caller, made: World) -> World:
    """A world with page tokens that its owner was given, and the beginning of its secret."""
    tokens = {"hint": made.values["secret"][: references.HINT]}
    for name, (method, path, document) in PAGED.items():
        body = json.dumps(document).replace("$experiment", made.values["experiment"]).encode() if document else b""
        request = Request(method=method, path=path, headers=JSON_HEADERS if document else {}, body=body)
        answer = sender.send(request, token=owner.token, workspace=made.workspace)
        assert answer.status == 200, f"{request.path}: {answer.text}"
        tokens[name] = answer.document().get("next_page_token") or "none"
    return dataclasses.replace(made, values={**made.values, **tokens})


def attack(scene: Scene, cases: Sequence[Case], *, twins: bool = True) -> Outcome:
    """Send cases, with or without their twins: those of one caller in their order, and all callers at once."""
    start, total = time.monotonic(), Outcome()
    lanes = [[case for case in cases if case.caller == name] for name in scene.callers]
    with ThreadPoolExecutor(max(1, len(lanes))) as pool:
        walked = [pool.submit(_lane, scene, lane, twins=twins) for lane in lanes if lane]
        for lane in walked:
            total.add(lane.result())
    total.seconds = time.monotonic() - start
    return total


def own_requests(scene: Scene, entries: Sequence[Entry]) -> Outcome:
    """Send every well-formed request as every caller who has rights, to their own objects."""
    total = Outcome()
    with ThreadPoolExecutor(max(1, len(scene.homes))) as pool:
        walked = [pool.submit(_own, scene, scene.callers[name], entries) for name in scene.homes]
        for lane in walked:
            total.add(lane.result())
    return total


def _own(scene: Scene, caller: Caller, entries: Iterable[Entry]) -> Outcome:
    sender, outcome = scene.connect(), Outcome()
    home = scene.homes[caller.name]
    for entry in entries:
        request = entry.request(home.with_fresh())
        answer = sender.send(request, token=caller.token, workspace=home.workspace)
        outcome.own += 1
        outcome.sent.append(_record(caller, entry, request, answer))
        if wrong := verdict.wrong(entry, caller, Aim.OWN, answer):
            case = f"own request of {caller.name}: {entry.method} {entry.path}"
            outcome.faults.append(Fault(what=f"{wrong} {answer.body}", case=case, request=_text(request)))
    sender.close()
    return outcome


def _lane(scene: Scene, cases: Iterable[Case], *, twins: bool) -> Outcome:
    sender, outcome = scene.connect(), Outcome()
    for case in cases:
        outcome.cases += 1
        send = _with_twin if twins else _alone
        request, found = send(scene, sender, case, outcome)
        outcome.faults += [Fault(what=what, case=str(case), request=_text(request)) for what in found]
    sender.close()
    return outcome


def _alone(scene: Scene, sender: Sender, case: Case, outcome: Outcome) -> tuple[Request, list[str]]:
    """Send a case without its twin."""
    exchange = _exchange(scene, sender, case, outcome)
    return exchange.request, list(judge.faults(case, exchange.request, exchange.answer, exchange.untold))


def _with_twin(scene: Scene, sender: Sender, case: Case, outcome: Outcome) -> tuple[Request, list[str]]:
    """Send a case and its twin until their answers are equal, at most ATTEMPTS times."""
    quoted = {**scene.victim.values, "unknown": UNKNOWN_WORKSPACE}
    request, found, different = Request(method="", path=""), list[str](), ""
    for attempt in range(ATTEMPTS):
        order = (False, True) if attempt % 2 == 0 else (True, False)
        use = case.use(attempt)
        exchanges = {twin: _exchange(scene, sender, case, outcome, twin=twin, use=use) for twin in order}
        case_, twin_ = exchanges[False], exchanges[True]
        request = case_.request
        found += judge.faults(case, request, case_.answer, case_.untold)
        different = judge.difference(case_.answer, twin_.answer, quoted, (*case_.fresh, *twin_.fresh), use)
        if judge.is_taken(case, case_.answer, twin_.answer):
            different = ""
        if not different:
            break
    # Of several attempts each has the same faults.
    return request, [*dict.fromkeys(found), *([f"twins differ: {different}"] if different else [])]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Exchange:
    request: Request
    answer: Answer
    fresh: tuple[str, ...]
    untold: frozenset[str]


def _exchange(
    scene: Scene, sender: Sender, case: Case, outcome: Outcome, *, twin: bool = False, use: str = ""
) -> _Exchange:
    caller, fresh = scene.callers[case.caller], world.fresh()
    own = {**scene.worlds[caller.name].values, "workspace": caller.workspace}
    values = {**references.values(own, scene.victim.values, twin=twin, use=use), **fresh}
    if again := case.change.original.again:
        values |= fill(again, values)
        _prepare(sender, case, caller, values, outcome)
    if twin and case.aim is Aim.OTHER:
        values["victim_workspace"] = UNKNOWN_WORKSPACE
    request = case.request(values)
    # Before it is sent: what it says may be read by other requests at once.
    untold = scene.untold(request)
    workspace = _workspace(case, caller, scene.victim, twin=twin)
    answer = sender.send(request, token=caller.token, workspace=workspace)
    outcome.sent.append(_record(caller, case.change.entry, request, answer))
    return _Exchange(request=request, answer=answer, fresh=tuple(fresh.values()), untold=untold)


def _prepare(sender: Sender, case: Case, caller: Caller, values: Mapping[str, str], outcome: Outcome) -> None:
    """Send a case's request for the caller's own objects first, so that the case has objects to aim at."""
    entry = case.change.original
    request = entry.request(values, pages=case.pages)
    answer = sender.send(request, token=caller.token, workspace=caller.workspace)
    outcome.sent.append(_record(caller, entry, request, answer))


def _workspace(case: Case, caller: Caller, victim: World, *, twin: bool) -> str:
    """The workspace in the header. The twin of a request to the victim's is one to a workspace that does not exist."""
    if case.aim is Aim.OTHER:
        return UNKNOWN_WORKSPACE if twin else victim.workspace
    return {Aim.NONE: "", Aim.UNKNOWN: UNKNOWN_WORKSPACE}.get(case.aim, caller.workspace)


def _record(caller: Caller, entry: Entry, request: Request, answer: Answer) -> Sent:
    return Sent(
        caller=caller.name,
        request_id=judge.request_id(answer),
        method=request.method,
        path=request.path,
        status=answer.status,
        reads=all(need.startswith(READS) for need in entry.needs),
    )


def _text(request: Request) -> str:
    headers = "".join(f" -H '{name}: {value}'" for name, value in request.headers.items())
    return f"{request.method} {request.path}{headers} {request.body.decode(errors='replace')}".rstrip()


def table(outcome: Outcome, cases: Iterable[Case]) -> Iterator[tuple[str, str]]:
    """Lines for the report: cases and faults of each family of routes."""
    counted: dict[str, list[int]] = {}
    faulty = {fault.case for fault in outcome.faults}
    for case in cases:
        counts = counted.setdefault(case.change.entry.family, [0, 0])
        counts[0] += 1
        counts[1] += str(case) in faulty
    for family, (all_, wrong) in counted.items():
        yield family, f"{all_} cases, {wrong} with faults"
