"""One team far beyond its share, in a simulated worker: the other teams' delays, and the team's own clients."""

import pytest

from tests.images.simulated_worker import Client, Limits, Worker, percentile

SECONDS = 30.0


def others() -> list[Client]:
    return [Client(team="b", caller=f"b{number}", pause=0.1, starts=5, ends=SECONDS) for number in range(2)]


def greedy(count: int, *, wait: float = 0.008) -> list[Client]:
    return [Client(team="a", caller="a", ends=SECONDS, wait=wait) for _ in range(count)]


def times(clients: list[Client]) -> list[float]:
    return [time for client in clients for time in client.times]


@pytest.mark.parametrize("count", [64, 300, 1000])
@pytest.mark.parametrize("seed", range(2))
def test_the_others_hardly_notice_a_team_at_ten_times_its_share(count: int, seed: int) -> None:
    quiet, loud, crowd = others(), others(), greedy(count)
    Worker(Limits(), seed).run(*quiet)
    Worker(Limits(), seed).run(*loud, *crowd)
    assert sum(client.refused for client in loud) == 0
    assert percentile(times(loud), 0.99) < 1.35 * percentile(times(quiet), 0.99)
    assert sum(client.failed for client in crowd) == 0
    assert len(times(crowd)) > Limits().team_rate * SECONDS * 0.9


def test_a_few_clients_beyond_the_share_are_delayed_and_never_refused() -> None:
    crowd = greedy(64)
    Worker(Limits(), 1).run(*others(), *crowd)
    assert sum(client.refused for client in crowd) == 0


def test_long_requests_of_one_team_hold_its_share_only_and_its_clients_finish() -> None:
    quiet, loud, crowd = others(), others(), greedy(64, wait=5)
    Worker(Limits(), 1).run(*quiet)
    Worker(Limits(), 1).run(*loud, *crowd)
    assert sum(client.refused for client in loud) == 0
    assert percentile(times(loud), 0.99) < 1.35 * percentile(times(quiet), 0.99)
    assert sum(client.failed for client in crowd) == 0


def test_a_team_that_is_alone_uses_the_whole_worker() -> None:
    crowd = greedy(64)
    Worker(Limits(), 1).run(*crowd)
    assert len(times(crowd)) > 100 * SECONDS


def test_a_team_that_comes_back_after_a_pause_is_served_at_once() -> None:
    """The other team's earlier use, while it was alone, does not count."""
    late = [Client(team="b", caller="b", starts=20, ends=21, pause=0.05)]
    Worker(Limits(), 1).run(*late, *greedy(300))
    assert late[0].refused == 0
    assert max(late[0].times) < 1


@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_of_teams_beyond_what_the_worker_can_do_still_finishes(seed: int) -> None:
    teams = [[Client(team=f"team-{number}", caller="x", ends=SECONDS) for _ in range(20)] for number in range(10)]
    clients = [client for team in teams for client in team]
    Worker(Limits(), seed).run(*clients)
    assert sum(client.failed for client in clients) == 0
    served = [len(times(team)) for team in teams]
    assert max(served) < 1.2 * min(served)
