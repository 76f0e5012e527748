"""The session store keeps sessions in memory and lets in OAuth2-Proxy only."""

from typing import Any

from components.kubernetes import pods
from components.login.session_store import COMMANDS, OPTIONS, SessionStore, SessionStoreArgs, configuration
from tests.components.parts import NAMESPACE, container, opened, pod
from tests.harness import Recording, deploy

CLIENTS = pods.labels("mlflow")


def store() -> Recording:
    def program() -> None:
        args = SessionStoreArgs(namespace=NAMESPACE, image="valkey:8.1", pull_secrets=("registry",), clients=CLIENTS)
        SessionStore("session-store", args)

    return deploy(program)


def files(got: Recording, role: str) -> dict[str, Any]:
    return got[f"session-store-{role}-files"].inputs["stringData"]


def test_only_the_pods_with_sessions_reach_it_and_it_reaches_nothing() -> None:
    ingress, egress = opened(store()["session-store-network"])
    peer = {"podSelector": {"matchLabels": CLIENTS}}
    assert [(rule["from"], [port["port"] for port in rule["ports"]]) for rule in ingress] == [([peer], [6379])]
    assert egress == []


def test_the_password_is_in_secrets_only() -> None:
    got = store()
    (user,) = [line for line in files(got, "server")["valkey.conf"].splitlines() if line.startswith("user ")]
    password = user.split()[4].removeprefix(">")
    assert files(got, "client") == {"oauth2-proxy.toml": f'redis_password = "{password}"\n'}
    assert password not in str(got["session-store-server"].inputs["spec"])
    assert not any(password in option for option in OPTIONS)


def test_a_client_may_not_list_sessions_or_change_the_store() -> None:
    (user,) = [line for line in files(store(), "server")["valkey.conf"].splitlines() if line.startswith("user ")]
    _, name, *rights = user.split()
    assert name == "default"
    assert rights[:2] == ["reset", "on"]
    assert rights[3:5] == ["~*", "-@all"]
    assert not {"keys", "scan", "config", "flushall", "flushdb", "save", "module", "debug", "shutdown"} & set(COMMANDS)
    assert rights[5:] == [f"+{command}" for command in COMMANDS]


def test_nothing_is_written_to_disk_and_unused_sessions_go_first() -> None:
    lines = configuration().splitlines()
    assert 'save ""' in lines
    assert "appendonly no" in lines
    assert "maxmemory-policy volatile-lru" in lines
    (limit,) = [line.removeprefix("maxmemory ") for line in lines if line.startswith("maxmemory ")]
    memory = container(store(), "session-store-server")["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("mb")) < int(memory.removesuffix("Mi")) * 2 // 3


def test_another_password_or_configuration_restarts_it() -> None:
    """The Secret has a generated name, so that Pulumi replaces it instead of changing it under the running pod."""
    secret = store()["session-store-server-files"].inputs
    assert "name" not in secret["metadata"]


def test_there_is_never_a_second_store_beside_it() -> None:
    spec = store()["session-store-server"].inputs["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_it_runs_without_privileges_on_a_read_only_file_system() -> None:
    got = store()
    spec, valkey = pod(got, "session-store-server"), container(got, "session-store-server")
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsNonRoot"]) == (999, True)
    assert valkey["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
