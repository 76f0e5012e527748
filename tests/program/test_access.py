"""The stack's output `access` against the RBAC objects of the same program."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.team.permissions import API_GROUP, RESOURCES
from tests.cloud import autoname
from tests.harness import Recording, Registered
from tests.program.stacks import SECRETS, STACKS, recorded, run, stack_file

Cell = tuple[str, str, str, str, str]
"""Kind and name of the subject, team, resource, verb."""

# For the team that serves a model.
CLUSTER = {**stack_file("prod")["mlflow-platform:cluster"], "apiServer": ["10.0.0.1/32"]}
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
TEAMS = {
    "pricing": {"groups": {"viewer": ["interns"], "editor": ["analysts"], "manager": ["leads", "data-platform"]}},
    "fraud": {
        "groups": {"viewer": ["data-platform"]},
        "serviceAccounts": ["trainer", "airflow/worker"],
        "loggingAccounts": ["tasks"],
    },
    "research": {"serving": {"fraud": {"model": "fraud", "image": "registry.example.com/fraud:1.0"}}},
    "retired": {"groups": {"manager": ["leads"]}, "archived": True},
}


@pytest.fixture(scope="module", params=[*STACKS, "every role", "aggregated roles"])
def recording(request: pytest.FixtureRequest) -> Recording:
    match request.param:
        case "every role":
            return run("prod", secrets=SECRETS["prod"], teams=TEAMS, cluster=CLUSTER)
        case "aggregated roles":
            return run("prod", secrets=SECRETS["prod"], teams=TEAMS, cluster=CLUSTER, access={"aggregateRoles": True})
        case stack:
            return recorded(stack)


def told(got: Recording) -> set[Cell]:
    """Access according to the stack's output."""
    return {
        (grant["kind"], grant["name"], grant["team"], resource, verb)
        for grant in got.exports["access"]["grants"]
        for resource in grant["resources"]
        for verb in grant["verbs"]
    }


def granted(got: Recording) -> set[Cell]:
    """Access to MLflow's resources that Kubernetes RBAC would grant."""
    teams = got.exports["teams"]
    roles = {(one.kind, namespace(one), name_of(one)): one for one in roles_of(got)}
    cells: set[Cell] = set()
    for binding in got.of("RoleBinding"):
        place, reference = namespace(binding), binding.inputs["roleRef"]
        bound = roles.get((reference["kind"], place if reference["kind"] == "Role" else "", reference["name"]))
        for kind, name in subjects(binding):
            cells |= {(kind, name, place, *item) for item in allowed(bound)}
    for role in got.of("ClusterRole"):
        for label in role.inputs["metadata"].get("labels", {}):
            if label.startswith(AGGREGATE):
                name = label.removeprefix(AGGREGATE)
                cells |= {("kubernetes-role", name, team, *item) for team in teams for item in allowed(role)}
    return cells


def roles_of(got: Recording) -> Iterator[Registered]:
    yield from got.of("Role")
    yield from got.of("ClusterRole")


def namespace(resource: Registered) -> str:
    return resource.inputs["metadata"].get("namespace", "")


def name_of(resource: Registered) -> str:
    return resource.inputs["metadata"].get("name") or autoname(resource.name)


def subjects(binding: Registered) -> Iterator[tuple[str, str]]:
    for subject in binding.inputs["subjects"]:
        if subject["kind"] == "ServiceAccount":
            yield "programs", f"{subject['namespace']}/{subject['name']}"
        else:
            yield subject["kind"].lower(), subject["name"]


def allowed(role: Registered | None) -> Iterator[tuple[str, str]]:
    rules: list[dict[str, Any]] = role.inputs["rules"] if role else []
    for rule in rules:
        if API_GROUP in rule["apiGroups"] or "*" in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((resource, verb) for verb in rule["verbs"])


def test_the_output_shows_what_the_programs_rbac_grants(recording: Recording) -> None:
    about = {cell for cell in granted(recording) if cell[3] in RESOURCES}
    assert about
    assert about == told(recording)


def test_the_only_other_grants_are_the_servers_and_the_empty_list_for_the_browser(recording: Recording) -> None:
    """The AI gateway is off; its list is granted because the UI shows a refusal as an error."""
    beyond = {cell[3:] for cell in granted(recording) if cell[3] not in RESOURCES and cell[2] != "mlflow"}
    assert beyond <= {("gatewayendpoints/use", "create")}


def test_no_subject_gets_access_to_all_teams_at_once(recording: Recording) -> None:
    roles = {name_of(one): one for one in recording.of("ClusterRole") if set(allowed(one))}
    bound = {one.inputs["roleRef"]["name"] for one in recording.of("ClusterRoleBinding")}
    for name in roles.keys() & bound:
        assert not {resource for resource, _ in allowed(roles[name])} & {*RESOURCES, "*"}, name
