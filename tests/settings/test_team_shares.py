"""The shares of teams that `make configuration` prints."""

import pytest
from mlflow_platform_server.demand import Demand
from mlflow_platform_server.turns import Turns

from settings import Settings
from settings.partial import partial
from settings.sizing import team_shares
from tests.settings.stack_files import changed


def sized(stack: str, **sizes: object) -> Settings:
    return partial(Settings, changed(stack, {f"server/{key}": value for key, value in sizes.items()}))


def test_the_rate_of_a_team_grows_with_replicas_and_workers() -> None:
    assert str(team_shares.rate(sized("dev", replicas=3, workers=2, bounds={"teamRequestsPerSecond": 10}))) == (
        "replicas 3 x workers 2 x bounds.teamRequestsPerSecond 10 = 60/s while other teams send requests"
    )


def test_the_rate_of_an_autoscaled_server_has_a_range() -> None:
    text = str(team_shares.rate(sized("prod", replicas=2, workers=1, autoscaling={"maxReplicas": 5})))
    assert text.endswith("= 50/s while other teams send requests; up to 125/s with autoscaling.maxReplicas 5")


@pytest.mark.parametrize("pool", [1, 2, 5, 20, 200])
@pytest.mark.parametrize("percent", [1, 25, 50, 100])
def test_the_share_of_the_requests_at_work_is_the_one_that_the_server_has(pool: int, percent: int) -> None:
    work = team_shares.AtWork(sized("dev", poolSize=pool, poolOverflow=0, bounds={"slotsPercent": percent}).server)
    turns = Turns(slots=work.all, percent=percent, wait_seconds=10, room=1000, demand=Demand())
    # Another team holds no slot and waits for none, but has asked lately.
    turns.leave(turns.ask("b", "y", 0), 0)
    for _ in range(200):
        turns.ask("a", "x", 0)
    reserved = work.all - turns.held("a") <= max(1, work.all // 8)
    assert turns.held("a") == work.team or (reserved and turns.held("a") < work.team)
