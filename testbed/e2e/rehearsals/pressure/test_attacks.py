"""Attacks on availability: nothing restarts, and every request of the other team is answered in time."""

import pytest

from benchmarks.load import Outcome
from benchmarks.login_cost import percentile
from benchmarks.pressure.attacks import Attack, attacks
from benchmarks.pressure.trial import Scene, attempt, scene
from testbed.e2e.figures import Figures
from tools.stack import Platform

SECONDS = 7.0
# The attackers and the client of the other team share two cores with the server, which `make pressure` measures with
# more time; here a bound that fails makes it seconds.
LONGEST_MILLISECONDS = 1000
# What an attacker may hear: refused, or served. Others would be a crash or a bound that is not said.
ANSWERS = {
    "200",
    "400",
    "404",
    "408",
    "413",
    "415",
    "429",
    "431",
    "503",
    # The front ends a connection that sends no header in time, and may do so without an answer.
    "closed",
    "broken",
    "BrokenPipeError",
    "ConnectionResetError",
    "SSLEOFError",
    # The end of the attack came before the bound.
    "stopped",
    "waiting",
}


@pytest.fixture(scope="module")
def stage(platform: Platform) -> Scene:
    return scene(platform)


@pytest.fixture(scope="module")
def quiet() -> dict[str, Outcome]:
    """Measurement of the other team's requests without an attack, taken once for each kind of attack."""
    return {}


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: f"{attack.row}: {attack.name}")
def test_an_attack_stops_nobody_else(stage: Scene, quiet: dict[str, Outcome], figures: Figures, attack: Attack) -> None:
    trial = attempt(stage, attack, seconds=SECONDS, quiet=quiet.get(attack.row))
    quiet[attack.row] = trial.quiet
    figures.add("pressure", trial.line())
    assert trial.restarts == 0
    assert trial.attacked.failures == {}
    assert percentile(trial.attacked.latencies, 99) < LONGEST_MILLISECONDS
    assert set(trial.answers) <= ANSWERS
