"""Generated attacks: every field that can name an object names another team's, while both teams send requests.

The fields come from the running server. The variables ATTACK_SEED, ATTACK_COUNT, ATTACK_SECONDS and ATTACK_CASE choose
the cases; `make attack` sets them.
"""

import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from testbed.e2e.acceptance import differences
from testbed.e2e.attack import table
from testbed.e2e.attack.generated import background, cases, fields, run, scene
from testbed.e2e.attack.generated.cases import Case
from testbed.e2e.attack.generated.fields import Field, Kind
from testbed.e2e.attack.generated.run import Outcome
from testbed.e2e.attack.generated.scene import ATTACKERS, Target
from testbed.e2e.attack.table import Entry
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

SEED = int(os.environ.get("ATTACK_SEED") or 1)
# CI's sample; a longer run shows its progress.
COUNT_OF_CI = 2500
COUNT = int(os.environ.get("ATTACK_COUNT") or COUNT_OF_CI)
SECONDS = float(os.environ.get("ATTACK_SECONDS") or 90)
ONLY = os.environ.get("ATTACK_CASE", "")
# Fewer would mean that fields have been lost.
LEAST_CASES = 10_000
# The state is compared after as many, so that an effect is found near its cause.
BATCH = 500
# More would say the same.
SHOWN = 40


@dataclass(slots=True)
class Attack:
    """Findings of the run."""

    outcome: Outcome = field(default_factory=Outcome)
    own: Outcome = field(default_factory=Outcome)
    effects: list[str] = field(default_factory=list[str])
    refused_beside: list[str] = field(default_factory=list[str])
    gaps: list[str] = field(default_factory=list[str])
    sent_beside: int = 0
    seconds: float = 0.0
    differences: int = 0
    """Cases whose twins differed during the run; those that differ with new objects too are faults."""


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return table.read(table.ROUTES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def routes(platform: Platform) -> dict[str, list[Field]]:
    return scene.routes(platform)


@pytest.fixture(scope="module")
def every(entries: list[Entry], routes: dict[str, list[Field]]) -> list[Case]:
    return cases.generate(entries, routes, ATTACKERS)


@pytest.fixture(scope="module")
def chosen(every: list[Case]) -> list[Case]:
    return [every[int(number)] for number in ONLY.split(",")] if ONLY else cases.sample(every, SEED, COUNT)


@pytest.fixture(scope="module")
def target(site: Site, platform: Platform) -> Generator[Target]:
    with scene.target(site, platform) as found:
        yield found


@pytest.fixture(scope="module")
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Print a line at once; pytest would show it at the end."""
    terminal: Any = pytestconfig.pluginmanager.getplugin("terminalreporter")
    return lambda line: terminal.write(f"\n{line}", flush=True)


@pytest.fixture(scope="module")
def alone(site: Site, platform: Platform, tell: Callable[[str], None]) -> Callable[[Case], Outcome]:
    """Send one case, with new objects for attackers and victim."""

    def send(case: Case) -> Outcome:
        tell(f"sent again, with new objects: {case}")
        with scene.target(site, platform) as fresh:
            return run.attack(fresh.scene, [case])

    return send


@pytest.fixture(scope="module")
def attack(
    target: Target,
    entries: list[Entry],
    chosen: list[Case],
    alone: Callable[[Case], Outcome],
    tell: Callable[[str], None],
) -> Attack:
    found = Attack()
    start = time.monotonic()
    with scene.log(target.platform) as log, background.acting(target.scene.connect, target.owners) as actors:
        if not ONLY:
            found.own = run.own_requests(target.scene, entries)
        with actors.rest():
            state = target.state()
        for batch in _batches(chosen):
            if time.monotonic() - start > SECONDS:
                break
            found.outcome.add(run.attack(target.scene, batch))
            with actors.rest():
                later = target.state()
            between = f"after one of the cases {batch[0].number} to {batch[-1].number}"
            found.effects += [f"{change}, {between}" for change in state.changes(later)]
            state = later
            if len(chosen) > COUNT_OF_CI:
                seconds = time.monotonic() - start
                done = f"{found.outcome.cases} of {len(chosen)} cases in {seconds / 60:.0f} min"
                faults = f"{len(found.outcome.faults)} faults, {len(found.effects)} effects"
                tell(f"{done}: {faults}")
        found.refused_beside, found.sent_beside = actors.refused, actors.sent
        found.gaps = log.gaps([*found.own.sent, *found.outcome.sent], target.users)
    found.differences = sum(map(differences.compares, found.outcome.faults))
    found.outcome.faults = differences.confirmed(found.outcome.faults, chosen, alone)
    found.seconds = time.monotonic() - start
    return found


def _batches(chosen: list[Case]) -> Iterator[list[Case]]:
    # Mixed by number modulo, so that a run that ends early has seen all routes.
    count = max(1, -(-len(chosen) // BATCH))
    return ([*chosen[first::count]] for first in range(count))


@pytest.fixture(scope="module", autouse=True)
def report(attack: Attack, chosen: list[Case], figures: Figures) -> None:
    """Print the figures of the run."""
    outcome = attack.outcome
    for family, line in run.table(outcome, chosen):
        figures.add(f"attacks: {family}", line)
    figures.add(
        "attacks: all",
        f"{outcome.cases} of {len(chosen)} cases with seed {SEED} in {attack.seconds:.0f} s,"
        f" {len(outcome.sent)} requests;"
        f" {attack.differences} differences sent again, {len(outcome.faults)} faults, {len(attack.effects)} effects",
    )
    figures.add(
        "attacks: beside",
        f"{attack.own.own} own requests, {len(attack.own.faults)} wrong; {attack.sent_beside} uploads and searches",
    )


def _listed(found: list[str]) -> str:
    """The first faults, and the command that repeats all of their cases."""
    numbers = ",".join(re.findall(r"^case (\d+)", "\n".join(found), re.MULTILINE))
    repeat = f"; to repeat: make attack CASE={numbers}" if numbers else ""
    return "\n".join([f"{len(found)} in all{repeat}", *found[:SHOWN]])


def test_there_are_more_cases_than_anybody_would_write(every: list[Case], figures: Figures) -> None:
    figures.add("attacks: generated", f"{len(every)} cases")
    assert len(every) >= LEAST_CASES


def test_every_route_with_an_id_is_attacked(every: list[Case], routes: dict[str, list[Field]]) -> None:
    attacked = {f"{case.change.entry.method} {case.change.entry.path}" for case in every}
    # The pages' own forms of the API are forms of the same cases.
    with_ids = {
        route
        for route, found in routes.items()
        if " /ajax-api/" not in route and any(fields.kind(one) is Kind.ID for one in found)
    }
    assert with_ids - attacked == set()


def test_every_field_of_text_is_attacked_or_judged_to_name_nothing(routes: dict[str, list[Field]]) -> None:
    found = fields.unjudged(routes, fields.nameless())
    assert found == [], "give each of them a kind in fields.py, or a reason in nameless.yaml"


def test_no_answer_tells_of_another_teams_objects(attack: Attack) -> None:
    faults = [str(fault) for fault in attack.outcome.faults]
    assert faults == [], _listed(faults)
    assert attack.outcome.cases


def test_nothing_of_the_other_team_has_changed(attack: Attack) -> None:
    assert attack.effects == [], _listed(attack.effects)


def test_everybody_may_do_what_their_role_allows_meanwhile(attack: Attack) -> None:
    wrong = [str(fault) for fault in attack.own.faults]
    assert wrong == [], _listed(wrong)
    assert attack.refused_beside == []


def test_the_audit_log_names_who_sent_each_request(attack: Attack) -> None:
    assert attack.gaps == [], _listed(attack.gaps)
