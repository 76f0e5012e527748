from typing import Any

import pytest

from tests.tools.plan.parts import step
from tools.access.words import PLAIN
from tools.plan.needed import needed
from tools.plan.preview import Step


def pod(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a pod
    return {"spec": {"template": {"spec": spec}}}


def variable(name: str, key: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a reference
    env = {"name": key.upper(), "valueFrom": {"secretKeyRef": {"name": name, "key": key, **more}}}
    return pod(containers=[{"name": "mlflow", "env": [env]}])


def told(old: dict[str, Any], new: dict[str, Any], *others: Step) -> list[str]:
    return needed([step("update", "Deployment", "mlflow", old=old, new=new), *others], PLAIN)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (variable("theirs", "key"), "Secret theirs in namespace mlflow, with key"),
        (pod(volumes=[{"secret": {"secretName": "theirs"}}]), "Secret theirs in namespace mlflow"),
        (
            pod(volumes=[{"projected": {"sources": [{"configMap": {"name": "ca"}}]}}]),
            "ConfigMap ca in namespace mlflow",
        ),
        (pod(imagePullSecrets=[{"name": "pull"}]), "Secret pull in namespace mlflow"),
        ({"spec": {"tls": [{"secretName": "tls"}]}}, "Secret tls in namespace mlflow"),
        (
            pod(containers=[{"name": "a", "image": "a.b/c:2"}]),
            "the image a.b/c:2, built by somebody whom you trust",
        ),
    ],
    ids=["a variable", "a volume", "a projected volume", "a pull secret", "a certificate", "an image"],
)
def test_what_pods_begin_to_refer_to_has_to_exist(new: dict[str, Any], said: str) -> None:
    assert told({}, new) == [said]
    assert told(new, new) == []


def test_what_the_stack_makes_itself_or_what_may_be_missing_is_not_asked_for() -> None:
    new = variable("ours", "key")
    assert told({}, new, step("create", "Secret", "ours", new={})) == []
    assert told({}, new, step("same", "Secret", "ours", old={}, new={})) == []
    assert told({}, new, step("delete", "Secret", "ours", old={})) != []
    assert told({}, variable("theirs", "key", optional=True)) == []
    assert told({}, pod(volumes=[{"configMap": {"name": "kube-root-ca.crt"}}])) == []


@pytest.mark.parametrize(
    ("kind", "spec"), [("ExternalSecret", {"target": {"name": "made"}}), ("Certificate", {"secretName": "made"})]
)
def test_a_secret_that_a_controller_makes_of_an_object_is_not_asked_for(kind: str, spec: dict[str, Any]) -> None:
    assert told({}, variable("made", "key"), step("create", kind, "a", new={"spec": spec})) == []
