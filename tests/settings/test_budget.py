import itertools
from typing import Any

import pytest
from mlflow_platform_server import json_bounds

from settings import Settings
from settings.faults import Fault
from settings.partial import findings, partial
from settings.rules import database, server, workspaces
from settings.sizing import instances, postgres
from settings.sizing.server import ELEMENT_BYTES, MARK_BYTES
from tests.settings.remedies import ways, with_way
from tests.settings.stack_files import Document, changed


def read(document: Document) -> Settings:
    return partial(Settings, document)


def dev(**sizes: Any) -> Document:  # noqa: ANN401 - texts and numbers
    return changed("dev", {f"server/{key}": value for key, value in sizes.items()})


def connections(**sizes: int) -> list[Fault]:
    return list(database.connections(read(dev(**sizes))))


def memory(**sizes: Any) -> list[Fault]:  # noqa: ANN401 - texts and numbers
    return list(findings([server.memory, server.requests], read(dev(**sizes))))


def test_a_rolling_update_of_the_dev_stack_takes_63_of_143_connections() -> None:
    assert connections() == []
    assert connections(poolSize=60) == []
    (fault,) = connections(poolSize=61)
    assert "x (poolSize 61 + poolOverflow 10) + 3 for Jobs = 145 connections" in fault.problem
    assert "at most 150 (database.maxConnections, default) - 7 reserved = 143" in fault.problem


def test_the_last_connection_may_be_used() -> None:
    assert connections(poolSize=70, poolOverflow=0) == []
    assert len(connections(poolSize=70, poolOverflow=1)) == 1


def test_every_remedy_works_and_is_the_smallest_change() -> None:
    sizes = itertools.product((1, 2, 3, 7, 20), (1, 2, 5, 16), (1, 5, 20, 50, 200), (0, 10, 200))
    refused = 0
    for count, workers, size, overflow in sizes:
        document = dev(replicas=count, workers=workers, poolSize=size, poolOverflow=overflow)
        for fault in database.connections(read(document)):
            refused += 1
            for way in ways(fault):
                fixed = with_way(document, way)
                assert list(database.connections(read(fixed))) == []
                # Too little memory for the searches of so many workers is a fault of its own, with its own remedy.
                for lacking in database.memory(read(fixed)):
                    enough = with_way(fixed, ways(lacking)[0])
                    assert [*database.connections(read(enough)), *database.memory(read(enough))] == []
                for path, value in way.items():
                    if isinstance(value, int) and path != "server/poolSize":
                        step = -1 if path.startswith("database") else 1
                        assert list(database.connections(read(with_way(fixed, {path: value + step}))))
    assert refused


def test_where_not_even_one_connection_each_fits_a_larger_database_is_the_way() -> None:
    (fault,) = connections(replicas=20, workers=16)
    assert not fault.remedy.startswith("set server")
    assert fault.remedy.endswith("use a larger database with database.kind `external`")


def test_an_external_database_is_trusted_unless_its_limit_is_given() -> None:
    external = {"kind": "external", "host": "db.example.com"}
    document = changed("dev", {"database": external, "server/replicas": 20})
    assert list(database.connections(read(document))) == []
    (warning,) = database.unlimited(read(document))
    assert "= 633 connections" in warning.problem
    document["database"]["maxConnections"] = 640
    assert [*database.connections(read(document)), *database.unlimited(read(document))] == []
    document["database"]["maxConnections"] = 639
    assert len(list(database.connections(read(document)))) == 1


@pytest.mark.parametrize(
    ("name", "gibibytes", "admitted"),
    [
        ("db.t4g.micro", 1, 101),
        ("db.t4g.medium", 4, 405),
        ("db.t3.2xlarge", 32, 3244),
        ("db.m7g.large", 8, 811),
        ("db.m6i.2xlarge", 32, 3244),
        ("db.r6g.xlarge", 32, 3244),
        ("db.x2g.large", 32, 3244),
        ("db.r8g.24xlarge", 768, 5000),
    ],
)
def test_what_a_class_admits_follows_from_its_memory(name: str, gibibytes: int, admitted: int) -> None:
    assert instances.memory(name) == gibibytes * 2**30
    assert instances.max_connections(name) == admitted


@pytest.mark.parametrize("name", ["db.z1d.large", "db.x1.16xlarge", "db.t4g.4xlarge", "db.m7g", "db.serverless", ""])
def test_what_nobody_knows_of_a_class_is_not_guessed(name: str) -> None:
    assert instances.max_connections(name) is None


def test_the_smallest_class_that_admits_enough_is_of_the_same_family() -> None:
    assert instances.smallest("db.t4g.micro", 101) == "db.t4g.micro"
    assert instances.smallest("db.t4g.micro", 102) == "db.t4g.small"
    assert instances.smallest("db.m7g.large", 900) == "db.m7g.xlarge"
    assert instances.smallest("db.t4g.micro", 5000) is None


@pytest.mark.parametrize("workers", range(1, 17))
def test_memory_for_the_workers_is_enough_exactly_from_the_sum_on(workers: int) -> None:
    needed = 190 + 530 * workers
    assert memory(workers=workers, memory="100Mi", memoryLimit=f"{needed}Mi") == []
    (fault,) = memory(workers=workers, memory="100Mi", memoryLimit=f"{needed - 1}Mi")
    assert (
        f"190 MiB + workers {workers} x (210 MiB + 128 MiB of transfers + 32 MiB of bodies x 6) = {needed} MiB"
        in fault.problem
    )
    document = dev(workers=workers, memory="100Mi", memoryLimit=f"{needed - 1}Mi")
    assert [list(server.memory(read(with_way(document, way)))) for way in ways(fault)] == [[], []][:workers]


def test_values_count_as_the_server_counts_them() -> None:
    assert (ELEMENT_BYTES, MARK_BYTES) == (json_bounds.ELEMENT_BYTES, json_bounds.MARK_BYTES)


def test_the_largest_body_has_to_fit_into_the_memory_for_bodies() -> None:
    assert list(server.bodies(read(dev()))) == []
    document = changed("dev", {"server/bounds": {"bodyMebibytes": 19}})
    (fault,) = server.bodies(read(document))
    assert "19 MiB + jsonElements 100000 x 64 bytes + textElements 1000000 x 8 bytes = 33 MiB" in fault.problem
    assert list(server.bodies(read(changed("dev", {"server/bounds": {"bodyMebibytes": 18}})))) == []
    (way,) = ways(fault)
    assert list(server.bodies(read(with_way(document, way)))) == []


def test_equal_request_and_limit_are_in_order() -> None:
    assert memory(memory="1Gi", memoryLimit="1024Mi") == []
    document = changed("dev", {"server/cpu": "2000m", "server/cpuLimit": "2"})
    assert list(server.requests(read(document))) == []


def test_a_request_below_what_an_idle_pod_takes_is_told() -> None:
    (warning,) = server.idle_request(read(dev(memory="399Mi")))
    assert warning.remedy == 'set server.memory "400Mi"'
    assert list(server.idle_request(read(dev(memory="400Mi")))) == []


@pytest.mark.parametrize("conditions", [1, 5, 20, 50])
def test_postgresql_has_memory_for_the_widest_search_in_every_thread(conditions: int) -> None:
    document = changed("dev", {"server/bounds": {"filterClauses": conditions}, "database/memoryLimit": "1094Mi"})
    wanted = postgres.memory(read(document), 150)
    # Of one worker with 30 connections, 14 requests at a time; twice as many during a rolling update.
    assert wanted.searches == 28
    assert wanted.search // 2**20 == {1: 1, 5: 2, 20: 18, 50: 108}[conditions]
    assert bool(list(database.memory(read(document)))) == (conditions > 1)


def test_postgresql_has_memory_for_every_connection_exactly_from_the_sum_on() -> None:
    document = changed("dev", {"database/maxConnections": 162, "database/memoryLimit": "1792Mi"})
    assert list(database.memory(read(document))) == []
    document["database"]["maxConnections"] = 163
    (fault,) = database.memory(read(document))
    assert (
        "(192 MiB + maxConnections 163 x 4 MiB + 28 searches at a time x 18 MiB) / 0.75 "
        "(the part without shared buffers) = 1798MiB" in fault.problem
    )
    assert ways(fault) == [{"database/memoryLimit": "1798Mi"}, {"database/maxConnections": 162}]
    for way in ways(fault):
        assert list(database.memory(read(with_way(document, way)))) == []


def test_crowded_is_a_warning() -> None:
    document = changed("dev", {"cluster": {"capacity": {"cpu": "16"}}})
    (warning,) = workspaces.crowded(read(document))
    assert "platform 0.5 + teams' quotas 32 = 32.5, cluster.capacity.cpu is 16" in warning.problem
    assert ways(warning) == [{"workspaces/quota/cpu": "7"}]
    assert list(workspaces.crowded(read(with_way(document, {"workspaces/quota/cpu": "7"})))) == []
    assert list(workspaces.overcommitted(read(document))) == []


def test_too_many_gpus_for_the_cluster_are_a_warning_and_a_team_without_a_limit_is_not_summed() -> None:
    document = changed("dev", {"cluster": {"capacity": {"gpus": 8}}, "workspaces": {"quota": {"gpus": 5}}})
    (warning,) = workspaces.crowded(read(document))
    assert warning.path == "cluster.capacity.gpus"
    assert "teams' quotas 10 = 10, cluster.capacity.gpus is 8: pods stay Pending" in warning.problem
    assert ways(warning) == [{"workspaces/quota/gpus": 4}]
    document["workspaces"]["quota"]["gpus"] = 4
    assert list(workspaces.crowded(read(document))) == []
    document["teams"]["team-a"]["quota"] = {"gpus": 5}
    (warning,) = workspaces.crowded(read(document))
    assert warning.remedy == "set workspaces.quota.gpus 3, or lower the quotas of individual teams"
    del document["workspaces"]["quota"]["gpus"]
    assert list(workspaces.crowded(read(document))) == []


def test_an_archived_team_takes_volumes_and_nothing_else() -> None:
    capacity = {"cpu": "17", "memory": "70Gi", "storage": "415Gi"}
    document = changed("dev", {"cluster": {"capacity": capacity}, "teams/team-b": {"archived": True}})
    judged = read(document)
    assert [*workspaces.crowded(judged), *workspaces.overcommitted(judged)] == []
    document["cluster"]["capacity"]["storage"] = "414Gi"
    assert len(list(workspaces.overcommitted(read(document)))) == 1


def test_quotas_count_for_nothing_where_nobody_says_what_the_cluster_has() -> None:
    judged = read(changed("dev", {"workspaces": {"quota": {"cpu": "1000", "memory": "9Ti", "storage": "90Ti"}}}))
    assert [*workspaces.crowded(judged), *workspaces.overcommitted(judged)] == []


def test_a_wrong_kind_of_database_does_not_hide_that_pods_cannot_share_the_volume_of_artifacts() -> None:
    document = changed("dev", {"database/kind": "oracle", "artifacts": {"kind": "volume"}, "server/replicas": 2})
    (fault,) = server.exclusive_volumes(read(document))
    assert "2 pods cannot share the volume of artifacts.kind `volume`" in fault.problem


def test_nothing_is_summed_up_where_a_number_is_wrong() -> None:
    wrong = {"server/image": 5, "server/replicas": "3", "server/memoryLimit": 5, "server/cpu": None}
    assert list(findings([database.connections, server.memory, server.requests], read(changed("dev", wrong)))) == []
