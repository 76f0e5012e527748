from typing import Any

import pytest

from tests.tools.plan.parts import step
from tools.plan.differences import by_component, lines

EGRESS = "spec.egress[0].to[0].ipBlock.cidr"


def command(*words: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "mlflow", "command": list(words)}]}}}}


def told(kind: str, old: dict[str, Any], new: dict[str, Any], *changed: str) -> list[str]:
    return [line.strip() for line in lines(step("update", kind, "a", old=old, new=new, changed=changed))[1:]]


def of_command(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    path = "spec.template.spec.containers"
    found = told("Deployment", command(*old), command(*new), f"{path}[0].command[0]", f"{path}[0].command[1]")
    return [line.removeprefix(f"{path}[mlflow].") for line in found]


def test_an_option_that_moves_is_no_change_and_one_in_its_place_is_no_new_value_of_it() -> None:
    assert of_command(("--refresh=15m", "--debug"), ("--passwords=/file", "--debug")) == [
        "command: --refresh=15m is removed",
        "command: --passwords=/file is new",
    ]
    assert of_command(("--a=1", "--b=2"), ("--b=2", "--a=1")) == ["command: another order"]


def test_a_list_in_an_option_is_compared_as_a_set_and_never_cut_off() -> None:
    many = ",".join(f"host-{number}.example.com" for number in range(40))
    assert of_command((f"--allowed-hosts=a,{many}",), (f"--allowed-hosts={many},b",)) == [
        "command --allowed-hosts: a is removed, b is new"
    ]
    assert of_command((), (f"--allowed-hosts={many}",)) == [f"command: --allowed-hosts={many} is new"]


def test_subjects_that_only_have_another_position_are_no_change() -> None:
    old = {"subjects": [{"kind": "Group", "name": "team-b"}]}
    new = {"subjects": [{"kind": "Group", "name": "interns"}, {"kind": "Group", "name": "team-b"}]}
    assert told("RoleBinding", old, new, "subjects[0].name", "subjects[1]") == ["subjects: Group interns is new"]


def test_rules_of_a_network_are_whole_and_in_words() -> None:
    any_address = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}], "ports": [{"port": 443}]}
    one = {"to": [{"ipBlock": {"cidr": "10.89.0.2/32"}}], "ports": [{"port": 443}]}
    found = told("NetworkPolicy", {"spec": {"egress": [any_address]}}, {"spec": {"egress": [one]}}, EGRESS)
    assert found == [
        "spec.egress: every address except 169.254.0.0/16, port 443 is removed",
        "spec.egress: 10.89.0.2, port 443 is new",
    ]


def test_a_secret_in_a_list_changes_without_its_value() -> None:
    old, new = command("[secret]"), command("[secret]")
    assert told("Deployment", old, new, "spec.template.spec.containers[0].command[0]") == [
        "spec.template.spec.containers[0].command[0]: changes (secret)"
    ]


def test_what_differs_in_the_cluster_alone_is_set_again() -> None:
    assert told("Service", {"spec": {"a": 1}}, {"spec": {"a": 1}}, "spec.a") == ["spec.a: 1 again"]


@pytest.mark.parametrize(("op", "heading"), [("create", "Gateway edge (new)"), ("delete", "Gateway edge (removed)")])
def test_a_component_is_a_heading_and_no_line(op: str, heading: str) -> None:
    side = "new" if op == "create" else "old"
    urn = "urn:pulumi:dev::p::mlflow-platform:index:Gateway::edge"
    component = step(op, "Gateway", "edge", type="mlflow-platform:index:Gateway", **{side: {}})
    inside = step(op, "Ingress", "edge-ingress", parent=urn, **{side: {}})
    ((found, inner),) = by_component([component, inside])
    assert found == heading
    assert inner == [f"{'+' if op == 'create' else '-'} Ingress edge-ingress"]


def test_a_component_without_objects_says_so() -> None:
    component = step("create", "ExternalStore", "bucket", type="mlflow-platform:index:ExternalStore", new={})
    assert by_component([component]) == [("ExternalStore bucket (new): no object of its own", [])]


def test_a_variable_that_is_new_has_its_value_alone() -> None:
    def pod(*env: dict[str, str]) -> dict[str, Any]:
        return {"spec": {"template": {"spec": {"containers": [{"name": "a", "env": list(env)}]}}}}

    old, new = pod(), pod({"name": "ROTATION", "value": "1"})
    (said,) = told("Deployment", old, new, "spec.template.spec.containers[0].env[0]")
    assert said == "spec.template.spec.containers[a].env[ROTATION]: 1 is new"


def test_an_object_with_a_name_of_its_own_is_not_said_to_get_another() -> None:
    (fixed,) = lines(step("replace", "ConfigMap", "mlflow-ca", old={}, new={}))
    assert fixed == "± ConfigMap mlflow-ca: new content"
    metadata = [{"metadata": {"name": f"a-{suffix}"}} for suffix in ("01234567", "89abcdef")]
    (drawn,) = lines(step("replace", "Job", "a", old=metadata[0], new=metadata[1]))
    assert drawn == "± Job a: runs again under a new name"
