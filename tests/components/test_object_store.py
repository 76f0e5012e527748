import json
from functools import partial
from typing import Any

import pytest

from components.artifacts.object_store import ObjectStore, ObjectStoreArgs
from components.artifacts.store_keys import identities
from tests.cloud import autoname
from tests.components.parts import CLIENT, NAMESPACE, attached, container, environment, opened, pod
from tests.harness import Recording, deploy

identities_of = partial(identities, client=("client-id", "client-key"), administrator=("admin-id", "admin-key"))


def store(**changes: Any) -> Recording:  # noqa: ANN401 - arguments of the component
    def program() -> dict[str, object]:
        arguments: dict[str, Any] = {
            "namespace": NAMESPACE,
            "image": "seaweedfs:4.48",
            "client_image": "mlflow:1.2.3",
            "storage": "10Gi",
            "clients": (CLIENT,),
            "durable": False,
            **changes,
        }
        component = ObjectStore("store", ObjectStoreArgs(**arguments)).artifact_store
        return {"uri": component.uri, "environment": attached(component.attachment)}

    return deploy(program)


def test_the_client_is_confined_to_its_bucket_and_the_administrator_has_another_key() -> None:
    assert identities_of("mlflow") == {
        "identities": [
            {
                "name": "mlflow",
                "credentials": [{"accessKey": "client-id", "secretKey": "client-key"}],
                "actions": ["Read:mlflow", "Write:mlflow", "List:mlflow", "Tagging:mlflow"],
            },
            {
                "name": "administrator",
                "credentials": [{"accessKey": "admin-id", "secretKey": "admin-key"}],
                "actions": ["Admin"],
            },
        ]
    }


def test_a_team_is_confined_to_the_files_of_its_workspace() -> None:
    """The slash before the star keeps the team `shop` out of the workspace of `shop-two`."""
    teams = {"shop": ("team-id", "team-key")}
    (*_, team) = identities_of("mlflow", teams=teams)["identities"]
    assert team["credentials"] == [{"accessKey": "team-id", "secretKey": "team-key"}]
    assert team["actions"] == [f"{action}:mlflow/workspaces/shop/*" for action in ("Read", "Write", "List", "Tagging")]
    (*_, team) = identities_of("mlflow", prefix="data/a", teams=teams)["identities"]
    assert team["actions"] == [
        f"{action}:mlflow/data/a/workspaces/shop/*" for action in ("Read", "Write", "List", "Tagging")
    ]


def test_the_key_of_the_backups_and_that_of_the_server_reach_a_bucket_each() -> None:
    client, _, backups = identities_of("mlflow", "mlflow-backups", backups=("backup-id", "backup-key"))["identities"]
    assert backups["credentials"] == [{"accessKey": "backup-id", "secretKey": "backup-key"}]
    assert backups["actions"] == [f"{action}:mlflow-backups" for action in ("Read", "Write", "List", "Tagging")]
    assert client["actions"] == [f"{action}:mlflow" for action in ("Read", "Write", "List", "Tagging")]


def test_the_store_knows_the_access_keys_in_the_secrets() -> None:
    got = store()
    (client, administrator) = json.loads(got["store-configuration"].inputs["stringData"]["s3.json"])["identities"]
    for identity, name in ((client, "client"), (administrator, "administrator")):
        key = got[f"store-{name}-credential"].inputs["stringData"]
        assert identity["credentials"] == [{"accessKey": key["access-key-id"], "secretKey": key["secret-access-key"]}]
    assert client["credentials"] != administrator["credentials"]


def test_the_server_gets_the_confined_key_and_the_bucket() -> None:
    got = store()
    assert got.exports == {
        "uri": "s3-proxied://mlflow",
        "environment": {
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": "http://object-store:8333",
            "AWS_ACCESS_KEY_ID": f"{autoname('store-client-credential')}/access-key-id",
            "AWS_SECRET_ACCESS_KEY": f"{autoname('store-client-credential')}/secret-access-key",
        },
    }


def test_with_a_folder_the_client_is_confined_to_it() -> None:
    (client, _) = identities_of("mlflow", prefix="data/a")["identities"]
    assert client["actions"] == [
        *("Read:mlflow/data/a/*", "Write:mlflow/data/a/*", "List:mlflow/data/a/*", "Tagging:mlflow/data/a/*")
    ]
    got = store(prefix="data/a")
    assert got.exports["uri"] == "s3-proxied://mlflow/data/a"
    assert "Read:mlflow/data/a/*" in got["store-configuration"].inputs["stringData"]["s3.json"]


def test_the_bucket_is_created_once_the_store_runs_and_with_the_administrators_key() -> None:
    got = store()
    assert "store-server" in got["store-bucket"].dependencies
    credential = autoname("store-administrator-credential")
    assert environment(container(got, "store-bucket")) == {
        "BUCKET": "mlflow",
        "ENDPOINT_URL": "http://object-store:8333",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": f"{credential}/access-key-id",
        "AWS_SECRET_ACCESS_KEY": f"{credential}/secret-access-key",
    }


def test_a_failed_bucket_job_runs_again() -> None:
    assert store()["store-bucket"].inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}


def test_only_the_s3_port_listens_beyond_the_pod() -> None:
    command = container(store(), "store-server")["command"]
    assert {"-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0", "-s3.port=8333"} <= set(command)
    assert [word for word in command if word.startswith("-s3.port.") and not word.endswith("=0")] == []


def test_identities_cannot_be_added_from_outside() -> None:
    got = store()
    assert "-s3.iam=false" in container(got, "store-server")["command"]
    files = got["store-configuration"].inputs["stringData"]
    assert files.keys() == {"security.toml", "grpc-ca.crt", "grpc.crt", "grpc.key", "s3.json"}
    assert '[grpc.s3]\ncert = "/etc/seaweedfs/grpc.crt"' in files["security.toml"]


def test_only_its_clients_and_the_bucket_job_reach_it_and_it_has_no_egress() -> None:
    got = store()
    ingress, egress = opened(got["store-network"])
    job = got["store-bucket"].inputs["spec"]["template"]["metadata"]["labels"]
    assert ingress == [
        {
            "from": [{"podSelector": {"matchLabels": CLIENT}}, {"podSelector": {"matchLabels": job}}],
            "ports": [{"protocol": "TCP", "port": 8333}],
        }
    ]
    assert egress == []
    inward, outward = opened(got["store-bucket-network"])
    assert inward == []
    assert [port["port"] for rule in outward for port in rule["ports"]] == [8333]


def test_only_the_claim_and_scratch_space_are_writable() -> None:
    got = store(storage_class="fast")
    (claim,) = got["store-server"].inputs["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"] == {"requests": {"storage": "10Gi"}}
    writable = {
        mount["mountPath"] for mount in container(got, "store-server")["volumeMounts"] if not mount.get("readOnly")
    }
    assert writable == {"/data", "/tmp"}  # noqa: S108 - a volume of the pod
    assert [one for one in pod(got, "store-server")["volumes"] if "emptyDir" in one]


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_server_is_protected(durable: bool) -> None:  # noqa: FBT001 - a case of the test
    protected = {resource.name for resource in store(durable=durable) if resource.protect}
    assert protected == ({"store-server"} if durable else set())


def test_its_garbage_collector_keeps_the_heap_below_the_limit() -> None:
    """By default Go lets the heap double before it collects, whatever the memory limit."""
    spec = container(store(), "store-server")
    assert environment(spec)["GOMEMLIMIT"] == "768MiB"
    assert spec["resources"]["limits"]["memory"] == "1Gi"


def test_metrics_are_off_unless_asked_for() -> None:
    metrics = ["-metricsIp=0.0.0.0", "-metricsPort=9327"]
    assert not set(metrics) & set(container(store(), "store-server")["command"])
    assert container(store(metrics=True), "store-server")["command"][-2:] == metrics
