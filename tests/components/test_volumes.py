from components.artifacts.volume_store import VolumeStore, VolumeStoreArgs
from components.database.sqlite import Sqlite, SqliteArgs
from components.kubernetes.pods import Attachment
from tests.cloud import autoname
from tests.components.parts import NAMESPACE
from tests.harness import Recording, deploy


def _seen(attachment: Attachment) -> dict[str, object]:
    return {
        "mounts": [one.mount_path for one in attachment.mounts],
        "claims": [one.persistent_volume_claim for one in attachment.volumes],
    }


def sqlite() -> Recording:
    def program() -> dict[str, object]:
        component = Sqlite("sqlite", SqliteArgs(namespace=NAMESPACE, storage="2Gi", storage_class="fast")).database
        assert component.owner == component.server
        return {
            "uri": component.server.uri,
            "exclusive": component.exclusive,
            "flows": len(component.flows),
            **_seen(component.server.attachment),
        }

    return deploy(program)


def volume_store() -> Recording:
    def program() -> dict[str, object]:
        component = VolumeStore("artifacts", VolumeStoreArgs(namespace=NAMESPACE, storage="3Gi")).artifact_store
        return {
            "uri": component.uri,
            "exclusive": component.exclusive,
            "flows": len(component.flows),
            **_seen(component.attachment),
        }

    return deploy(program)


def test_sqlite_is_a_file_on_a_volume_of_one_pod() -> None:
    assert sqlite().exports == {
        "uri": "sqlite:////mlflow/mlflow.db",
        "exclusive": True,
        "flows": 0,
        "mounts": ["/mlflow"],
        "claims": [{"claimName": autoname("sqlite-volume")}],
    }


def test_artifacts_are_files_on_a_volume_of_one_pod() -> None:
    assert volume_store().exports == {
        "uri": "file:///mlflow/artifacts",
        "exclusive": True,
        "flows": 0,
        "mounts": ["/mlflow/artifacts"],
        "claims": [{"claimName": autoname("artifacts-volume")}],
    }


def test_a_claim_is_for_one_node_and_is_not_awaited() -> None:
    claim = sqlite()["sqlite-volume"].inputs
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "2Gi"}},
    }
    assert claim["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
