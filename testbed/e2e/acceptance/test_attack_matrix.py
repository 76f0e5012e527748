"""The attack matrix: every route, by every kind of caller, in every kind of workspace, agrees with RBAC.

The routes come from the running server, the expected permissions from attack/routes.yaml. A route without one fails.
"""

import itertools
import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import pytest

from testbed.e2e import kube
from testbed.e2e.attack import matrix, table, world
from testbed.e2e.attack.callers import callers
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.matrix import Lane, Result
from testbed.e2e.attack.table import Entry
from testbed.e2e.attack.verdict import Aim, Caller
from testbed.e2e.attack.world import World
from testbed.e2e.commands import CHECKOUT
from testbed.e2e.figures import Figures
from testbed.e2e.web import Site
from tools.stack import Platform

ROUTES = CHECKOUT / "testbed" / "e2e" / "attack" / "server" / "routes.py"
# Callers and their targets. The other team's manager owns the victim objects, and checks them for damage.
ATTACKS: dict[str, tuple[Aim, ...]] = {
    "manager": (Aim.OTHER, Aim.COPIED, Aim.NONE, Aim.UNKNOWN),
    "editor": (Aim.OTHER, Aim.COPIED),
    "viewer": (Aim.OTHER, Aim.COPIED),
    "program": (Aim.OTHER, Aim.COPIED, Aim.NONE),
    "stranger": (Aim.OTHER, Aim.NONE),
    "nobody": (Aim.OTHER, Aim.NONE),
}
AT_HOME = ("manager", "editor", "viewer", "program")
# Fewer would mean that cases have been lost.
LEAST_CASES = 600


@pytest.fixture(scope="module")
def routes(platform: Platform) -> set[str]:
    """The route table of the application that the running server serves."""
    into = ("exec", "--stdin", f"--namespace={platform.namespace}", "deployment/mlflow", "--container=mlflow")
    script = ROUTES.read_text(encoding="utf-8")
    return set(json.loads(kube.kubectl(*into, "--", "python3", "-", stdin=script).stdout))


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return table.read(table.ROUTES.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The callers, and the objects that they attack."""

    everybody: dict[str, Caller]
    victim: World
    """The other team's objects."""

    homes: dict[tuple[str, bool], World]
    """Objects that each caller may change or delete, for each form of the API."""

    def lanes(self) -> Iterator[Lane]:
        """The requests: caller, target and route."""
        for (name, pages), home in self.homes.items():
            yield Lane(caller=self.everybody[name], aim=Aim.OWN, pages=pages, world=home)
        for name, aims in ATTACKS.items():
            for aim, pages in itertools.product(aims, (False, True)):
                yield Lane(caller=self.everybody[name], aim=aim, pages=pages, world=self.victim)


@pytest.fixture(scope="module")
def scene(site: Site, platform: Platform) -> Generator[Scene]:
    with callers(site, platform) as everybody:
        line, owner, victim = Line(site), everybody["manager"], everybody["other manager"]
        yield Scene(
            everybody=everybody,
            victim=world.make(line, victim.token, victim.workspace),
            homes={
                (name, pages): world.make(line, owner.token, owner.workspace)
                for name in AT_HOME
                for pages in (False, True)
            },
        )


@pytest.fixture(scope="module")
def look(site: Site, entries: list[Entry], scene: Scene) -> Callable[[], dict[str, dict[str, str]]]:
    """Read the objects that must not have changed, as their owners."""

    def read() -> dict[str, dict[str, str]]:
        everybody = scene.everybody
        return {
            "victim": matrix.read_all(site, everybody["other manager"], scene.victim, entries),
            "viewer": matrix.read_all(site, everybody["manager"], scene.homes["viewer", False], entries, single=True),
        }

    return read


@pytest.fixture(scope="module")
def before(look: Callable[[], dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
    return look()


@pytest.fixture(scope="module")
def results(
    site: Site, entries: list[Entry], routes: set[str], scene: Scene, before: dict[str, dict[str, str]]
) -> list[Result]:
    assert before["victim"], "read before anybody attacks"
    return matrix.run(site, list(scene.lanes()), entries, routes)


def test_every_route_of_the_server_is_judged(entries: list[Entry], routes: set[str]) -> None:
    assert table.gaps(entries, routes) == []


def test_every_case_is_decided_as_rbac_says(results: list[Result], figures: Figures) -> None:
    for what, value in matrix.summary(results):
        figures.add(f"matrix: {what}", value)
    wrong = [str(result) for result in results if result.wrong]
    figures.add("matrix: all", f"{len(results) - len(wrong)} of {len(results)} cases decided as RBAC says")
    assert wrong == [], "\n".join(wrong)
    assert len(results) >= LEAST_CASES


def test_nothing_of_the_other_team_or_of_what_a_viewer_sees_has_changed(
    look: Callable[[], dict[str, dict[str, str]]], before: dict[str, dict[str, str]], results: list[Result]
) -> None:
    assert results
    assert look() == before
