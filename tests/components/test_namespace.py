import pytest

from components.kubernetes.namespace import PlatformNamespace, PlatformNamespaceArgs
from tests.harness import Recording, deploy


def platform(*, durable: bool = False) -> Recording:
    def program() -> dict[str, object]:
        component = PlatformNamespace("platform", PlatformNamespaceArgs(name="mlflow", durable=durable))
        return {"namespace": component.namespace}

    return deploy(program)


def test_the_namespace_refuses_pods_that_are_not_restricted() -> None:
    labels = platform()["platform-namespace"].inputs["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_the_namespace_is_closed_before_anything_is_in_it() -> None:
    got = platform()
    assert got["platform-closed"].inputs["metadata"]["namespace"] == "mlflow"
    assert got["platform-closed"].inputs["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_it_is_no_workspace_itself() -> None:
    assert "mlflow-enabled" not in platform()["platform-namespace"].inputs["metadata"]["labels"]


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_namespace_is_protected(durable: bool) -> None:  # noqa: FBT001 - a case of the test
    got = platform(durable=durable)
    assert got["platform-namespace"].protect is durable
    assert not got["platform-closed"].protect


def test_users_of_its_name_wait_until_it_exists() -> None:
    got = platform()
    assert got.exports == {"namespace": "mlflow"}
    assert "platform-namespace" in got["platform-closed"].dependencies
