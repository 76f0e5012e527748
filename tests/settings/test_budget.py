import itertools
import re
from typing import Any

import pytest

from components.postgres import MAX_CONNECTIONS
from settings import Settings
from stackfile import budget
from stackfile.draft import Draft
from stackfile.faults import Fault
from tests.settings.stack_files import changed


def connections(**server: int) -> list[Fault]:
    return list(budget.connections(Draft(changed("dev", {f"server/{key}": n for key, n in server.items()}), Settings)))


def memory(**server: Any) -> list[Fault]:  # noqa: ANN401 - texts and numbers
    return list(budget.memory(Draft(changed("dev", {f"server/{key}": n for key, n in server.items()}), Settings)))


def test_a_rolling_update_of_the_dev_stack_takes_120_of_140_connections() -> None:
    assert MAX_CONNECTIONS - budget.RESERVED_CONNECTIONS == 140
    assert connections() == []
    assert connections(poolSize=25) == []
    (fault,) = connections(poolSize=26)
    assert "x 2 engines x (poolSize 26 + poolOverflow 10) = 144 connections; expected at most 150" in fault.problem


def test_the_last_connection_may_be_used() -> None:
    assert connections(poolSize=35, poolOverflow=0) == []
    assert len(connections(poolSize=35, poolOverflow=1)) == 1


def test_every_suggested_pool_or_number_of_replicas_fits_and_is_the_largest() -> None:
    sizes = itertools.product((1, 2, 3, 7, 20), (1, 2, 5, 16), (1, 5, 20, 50, 200), (0, 10, 200))
    refused = 0
    for replicas, workers, size, overflow in sizes:
        given = {"replicas": replicas, "workers": workers, "poolSize": size, "poolOverflow": overflow}
        for fault in connections(**given):
            refused += 1
            for pool in re.findall(r"server\.poolSize (\d+) and server\.poolOverflow (\d+)", fault.remedy):
                fitting = {"poolSize": int(pool[0]), "poolOverflow": int(pool[1])}
                assert connections(**given | fitting) == []
                assert len(connections(**given | fitting | {"poolOverflow": int(pool[1]) + 1})) == 1
            for fewer in re.findall(r"server\.replicas (\d+)", fault.remedy):
                assert connections(**given | {"replicas": int(fewer)}) == []
                assert len(connections(**given | {"replicas": int(fewer) + 1})) == 1
            assert "database.kind `external`" in fault.remedy
    assert refused > 100


def test_where_not_even_one_connection_each_fits_no_pool_is_suggested() -> None:
    (fault,) = connections(replicas=20, workers=16)
    assert fault.remedy == "take a larger database.kind `external`"


def test_an_external_database_is_trusted_unless_its_limit_is_given() -> None:
    external = {"kind": "external", "host": "db.example.com"}
    document = changed("dev", {"database": external, "server/replicas": 20})
    assert list(budget.connections(Draft(document, Settings))) == []
    document["database"]["maxConnections"] = 1270
    assert list(budget.connections(Draft(document, Settings))) == []
    document["database"]["maxConnections"] = 1269
    assert len(list(budget.connections(Draft(document, Settings)))) == 1


@pytest.mark.parametrize("workers", range(1, 17))
def test_memory_for_the_workers_is_enough_exactly_from_the_sum_on(workers: int) -> None:
    needed = 300 + 300 * workers
    assert memory(workers=workers, memory="100Mi", memoryLimit=f"{needed}Mi") == []
    (fault,) = memory(workers=workers, memory="100Mi", memoryLimit=f"{needed - 1}Mi")
    assert f"300 MiB + workers {workers} x 300 MiB = {needed} MiB" in fault.problem
    assert f'set "{needed}Mi" or more' in fault.remedy
    assert f"server.workers {workers - 1}" in fault.remedy if workers > 1 else "workers" not in fault.remedy


def test_equal_request_and_limit_are_in_order() -> None:
    assert memory(memory="1Gi", memoryLimit="1024Mi") == []
    document = changed("dev", {"server/cpu": "2000m", "server/cpuLimit": "2"})
    assert list(budget.cpu(Draft(document, Settings))) == []


def test_nothing_is_summed_up_where_a_number_is_wrong() -> None:
    wrong = {"server/image": 5, "server/replicas": "3", "server/memoryLimit": 5, "server/cpu": None}
    draft = Draft(changed("dev", wrong), Settings)
    assert [*budget.connections(draft), *budget.memory(draft), *budget.cpu(draft)] == []
