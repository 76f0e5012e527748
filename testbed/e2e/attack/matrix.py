"""The attack matrix: sends every route as every caller to every workspace, and compares the answers with RBAC."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from testbed.e2e.attack import verdict
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.table import Entry, forms
from testbed.e2e.attack.verdict import Aim, Caller
from testbed.e2e.attack.world import World
from testbed.e2e.web import Site

READS = ("get ", "list ")
# One worker answers: more at a time only wait.
LINES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """The requests of one caller to one workspace in one form of the API, sent one after the other."""

    caller: Caller
    aim: Aim
    pages: bool
    world: World
    """Owner of the objects that it names."""

    @property
    def workspace(self) -> str:
        """Workspace in the header."""
        return {
            Aim.OWN: self.caller.workspace,
            Aim.COPIED: self.caller.workspace,
            Aim.OTHER: self.world.workspace,
            Aim.NONE: "",
            Aim.UNKNOWN: "no-such-team",
        }[self.aim]

    def entries(self, table: Iterable[Entry], routes: set[str]) -> Iterator[Entry]:
        """The entries that apply: only a request with an id can get the other team's id."""
        for entry in table:
            if any(pages == self.pages for _, pages in forms(entry, routes)) and (
                self.aim is not Aim.COPIED or entry.names_objects
            ):
                yield entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One case of the matrix."""

    lane: Lane
    entry: Entry
    wrong: str
    """The mistake; empty if the answer was right."""

    def __str__(self) -> str:
        form = "pages" if self.lane.pages else "REST"
        where = f"{self.lane.caller.name} -> {self.lane.aim} ({form})"
        return f"{where}: {self.entry.method} {self.entry.path}: {self.wrong}"


def run(site: Site, lanes: Sequence[Lane], table: Sequence[Entry], routes: set[str]) -> list[Result]:
    """Send every request of every lane."""
    with ThreadPoolExecutor(LINES) as pool:
        walked = [pool.submit(_walk, site, lane, table, routes) for lane in lanes]
        return [result for lane in walked for result in lane.result()]


def _walk(site: Site, lane: Lane, table: Sequence[Entry], routes: set[str]) -> list[Result]:
    line = Line(site)
    # Of its own objects it may be told everything.
    secrets = frozenset[str]() if lane.aim is Aim.OWN else lane.world.secrets
    results: list[Result] = []
    for entry in lane.entries(table, routes):
        request = entry.request(lane.world.with_fresh(), pages=lane.pages)
        answer = line.send(request, token=lane.caller.token, workspace=lane.workspace)
        if verdict.leaked(request.text, answer, secrets):
            wrong = f"LEAK: {answer.status} {answer.body}"
        else:
            wrong = verdict.wrong(entry, lane.caller, lane.aim, answer)
            wrong = wrong and f"{wrong} {answer.body}"
        results.append(Result(lane=lane, entry=entry, wrong=wrong))
    line.close()
    return results


def read_all(
    site: Site, owner: Caller, world: World, table: Iterable[Entry], *, single: bool = False
) -> dict[str, str]:
    """All readable objects of a world, as their owner sees them; `single` leaves out collections."""
    line = Line(site)
    seen: dict[str, str] = {}
    for entry in table:
        reads = all(need.startswith(READS) for need in entry.needs) and entry.answers == 200 and not entry.disabled
        skipped = single and (entry.collects or not entry.names_objects)
        if reads and owner.rights.issuperset(entry.needs) and not skipped:
            request = entry.request(world.with_fresh())
            answer = line.send(request, token=owner.token, workspace=world.workspace)
            assert answer.status == 200, f"its owner reads {request.path}: {answer.status} {answer.body}"
            seen[f"{request.method} {request.path} {request.body.decode()}"] = answer.body
    line.close()
    return seen


def summary(results: Iterable[Result]) -> list[tuple[str, str]]:
    """The matrix as lines: a row for each family of routes, a column for each caller and aim; correct cases of all."""
    cases, right = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for result in results:
        place = (result.entry.family, f"{result.lane.caller.name} > {result.lane.aim}")
        cases[place] += 1
        right[place] += not result.wrong
    families = list(dict.fromkeys(family for family, _ in cases))
    columns = list(dict.fromkeys(column for _, column in cases))
    head = [(f"{number}", column) for number, column in enumerate(columns, 1)]
    numbers = "".join(f"{number:>9}" for number in range(1, len(columns) + 1))
    rows = [
        (family, "".join(f"{f'{right[family, column]}/{cases[family, column]}':>9}" for column in columns))
        for family in families
    ]
    return [*head, ("family", numbers), *rows]
