import re
from typing import Any

import pytest

from tests.harness import Recording, Registered
from tests.program.stacks import SECRETS, STACKS, recorded, run, stack_file

CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
LEVELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
# Dependencies of the server in one stack only. In the other one the issuer is public, and the role needs no key.
OF_THE_STACK = {
    "dev": {"object-store-bucket", "identity-ingress", "login-issuer-discovery"},
    "prod": {"server-identity-policy", "bucket-policy", "bucket-encryption", "bucket-versioning"},
}
# Kinds that a change may replace, which protection would refuse.
REPLACEABLE = ("Job", "ConfigMap", "Secret")


def documents(recording: Recording) -> dict[str, tuple[Any, ...]]:
    """Inputs and options that the engine would compare, by URN."""
    return {
        resource.urn: (resource.document, resource.protect, resource.provider, resource.dependencies)
        for resource in recording.resources
    }


def namespace_of(resource: Registered) -> str:
    return resource.inputs["metadata"]["namespace"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_given_the_provider_of_its_package(stack: str) -> None:
    given = {(resource.type.partition(":")[0], resource.provider) for resource in recorded(stack) if resource.custom}
    at_aws = {("aws", "aws")} if stack == "prod" else set[tuple[str, str]]()
    assert given == {("kubernetes", "cluster"), ("random", "random"), ("pulumi", "")} | at_aws


def test_the_provider_is_the_same_when_one_up_takes_fields_back(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = recorded("dev")["cluster"].inputs
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")
    assert run("dev", secrets=SECRETS["dev"])["cluster"].inputs == usual


@pytest.mark.parametrize("stack", STACKS)
def test_every_component_has_a_type_of_this_project(stack: str) -> None:
    components = [resource for resource in recorded(stack) if not resource.custom]
    assert components
    for resource in components:
        assert re.fullmatch(r"mlflow-platform:index:[A-Z][A-Za-z]+", resource.type)
        # A component is inside another one only if it is part of it.
        assert resource.name.startswith(resource.parent)


@pytest.mark.parametrize("stack", STACKS)
def test_every_child_is_named_after_its_parent(stack: str) -> None:
    for resource in recorded(stack):
        if resource.custom and not resource.type.startswith("pulumi:"):
            assert resource.name.startswith(f"{resource.parent}-"), resource.urn


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_shows_the_resources_that_the_deployment_makes(stack: str) -> None:
    assert [resource.urn for resource in recorded(stack, preview=True)] == [
        resource.urn for resource in recorded(stack)
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_settings_create_the_same_resources(stack: str) -> None:
    assert documents(run(stack, secrets=SECRETS[stack])) == documents(recorded(stack))


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_says_which_namespace_it_is_in(stack: str) -> None:
    namespaces = {resource.inputs["metadata"]["name"] for resource in recorded(stack).of("Namespace")}
    for resource in recorded(stack):
        if resource.type.startswith("kubernetes:") and resource.kind not in CLUSTER_SCOPED:
            assert namespace_of(resource) in namespaces, resource.name


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_objects_of_a_kind_want_the_same_name(stack: str) -> None:
    wanted = [
        (resource.kind, resource.inputs["metadata"].get("namespace"), resource.inputs["metadata"]["name"])
        for resource in recorded(stack)
        if "name" in resource.inputs.get("metadata", {})
    ]
    assert len(wanted) == len(set(wanted))


@pytest.mark.parametrize("stack", STACKS)
def test_every_namespace_refuses_unrestricted_pods(stack: str) -> None:
    for resource in recorded(stack).of("Namespace"):
        assert LEVELS.items() <= resource.inputs["metadata"]["labels"].items()


@pytest.mark.parametrize("stack", STACKS)
def test_every_namespace_denies_all_traffic_but_name_resolution(stack: str) -> None:
    got = recorded(stack)
    closed = {
        namespace_of(resource): resource.inputs["spec"]
        for resource in got.of("NetworkPolicy")
        if resource.inputs["metadata"].get("name") == "default-deny"
    }
    assert closed.keys() == {resource.inputs["metadata"]["name"] for resource in got.of("Namespace")}
    for spec in closed.values():
        assert spec["podSelector"] == {}
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        assert "ingress" not in spec
        assert [port["port"] for rule in spec["egress"] for port in rule["ports"]] == [53, 53, 5353, 5353]


@pytest.mark.parametrize("stack", STACKS)
def test_every_service_selects_the_pods_of_one_workload(stack: str) -> None:
    got = recorded(stack)
    workloads = [*got.of("Deployment"), *got.of("StatefulSet"), *got.of("Job")]
    for service in got.of("Service"):
        selector = service.inputs["spec"]["selector"].items()
        chosen = [one for one in workloads if selector <= one.inputs["spec"]["template"]["metadata"]["labels"].items()]
        assert len(chosen) == 1, service.name


@pytest.mark.parametrize("stack", STACKS)
def test_every_workload_has_a_network_policy_of_its_own(stack: str) -> None:
    got = recorded(stack)
    selectors = [resource.inputs["spec"]["podSelector"].get("matchLabels", {}) for resource in got.of("NetworkPolicy")]
    for resource in [*got.of("Deployment"), *got.of("StatefulSet"), *got.of("Job")]:
        assert resource.inputs["spec"]["template"]["metadata"]["labels"] in selectors, resource.name


@pytest.mark.parametrize("stack", STACKS)
def test_the_server_starts_when_everything_it_connects_to_exists(stack: str) -> None:
    waits_for = recorded(stack)["mlflow-server"].dependencies
    assert {"migration-job", "mlflow-binding", "mlflow-network"} <= waits_for
    # Issuer and network have to exist first: OAuth2-Proxy reads the keys of service-account tokens once.
    assert OF_THE_STACK[stack] <= waits_for


@pytest.mark.parametrize("stack", STACKS)
def test_a_job_starts_after_its_network_policy(stack: str) -> None:
    got = recorded(stack)
    for job in got.of("Job"):
        labels = job.inputs["spec"]["template"]["metadata"]["labels"]
        ways = {
            one.name for one in got.of("NetworkPolicy") if one.inputs["spec"]["podSelector"] == {"matchLabels": labels}
        }
        assert ways
        assert ways <= job.dependencies


def test_a_new_team_brings_its_own_resources_and_changes_no_other() -> None:
    teams = stack_file("dev")["mlflow-platform:teams"]
    before = documents(recorded("dev"))
    changed = run("dev", teams={"team-0": {"description": "First of all"}, **teams})
    after = documents(changed)
    assert {urn: after[urn] for urn in before} == before
    new = [resource for resource in changed if resource.urn not in before]
    assert {resource.parent or resource.name for resource in new} == {"team-0"}
    team_a = [resource for resource in recorded("dev") if "team-a" in (resource.parent, resource.name)]
    assert len(new) == len(team_a)


def test_the_order_of_teams_in_the_stack_file_means_nothing() -> None:
    teams = stack_file("dev")["mlflow-platform:teams"]
    assert documents(run("dev", teams=dict(reversed(teams.items())))) == documents(recorded("dev"))


def test_a_change_of_a_teams_groups_changes_bindings_and_the_list_for_the_server_only() -> None:
    changed = run(
        "dev", teams={"team-a": {"groups": {"viewer": ["auditors"], "editor": ["team-a-mlflow-users"]}}, "team-b": {}}
    )
    before, after = documents(run("dev", teams={"team-a": {}, "team-b": {}})), documents(changed)
    differing = {urn for urn in before.keys() | after.keys() if before.get(urn) != after.get(urn)}
    assert {urn.rpartition("::")[2] for urn in differing} == {
        "team-a-identities",
        *(f"team-a-{role}-binding" for role in ("viewer", "editor", "manager", "gateway")),
    }


def test_kubernetes_own_roles_count_in_mlflow_only_by_choice() -> None:
    aggregated = {"mlflow-view", "mlflow-edit", "mlflow-admin"}
    for inputs, expected in (({}, set[str]()), ({"aggregateRoles": True}, aggregated)):
        roles = {resource.inputs["metadata"].get("name") for resource in run("dev", access=inputs).of("ClusterRole")}
        assert roles & aggregated == expected


def test_an_archived_team_in_production_loses_its_protection_and_the_others_keep_theirs() -> None:
    teams = stack_file("prod")["mlflow-platform:teams"]
    archived = {**teams, "pricing": {**teams["pricing"], "archived": True}}
    got = run("prod", secrets=SECRETS["prod"], teams=archived)
    assert {resource.name for resource in got.of("Namespace") if not resource.protect} == {"pricing-namespace"}


def test_production_protects_the_namespaces() -> None:
    namespaces = recorded("prod").of("Namespace")
    assert len(namespaces) == 3
    assert all(resource.protect for resource in namespaces)


def test_production_with_data_in_the_cluster_protects_what_holds_it_and_leaves_the_rest_replaceable() -> None:
    inside, server = {"kind": "in-cluster"}, {"image": stack_file("prod")["mlflow-platform:server"]["image"]}
    got = run("prod", secrets=["loginClientSecret"], aws="", database=inside, artifacts=inside, server=server)
    assert len(got.of("StatefulSet")) == 2
    assert all(resource.protect for resource in [*got.of("Namespace"), *got.of("StatefulSet")])
    # Without their key the secrets of webhooks in the database cannot be read.
    kept = {resource.name for kind in REPLACEABLE for resource in got.of(kind) if resource.protect}
    assert kept <= {"mlflow-webhook-key", "mlflow-webhooks"}


def test_an_evaluation_can_be_destroyed() -> None:
    assert [resource.name for resource in recorded("dev") if resource.protect or resource.retain] == []


@pytest.mark.parametrize(("stack", "host"), [("dev", "mlflow.localhost"), ("prod", "mlflow.example.com")])
def test_the_outputs_name_the_url_the_teams_and_the_users(stack: str, host: str) -> None:
    exports = recorded(stack).exports
    teams = stack_file(stack)["mlflow-platform:teams"]
    assert exports["url"] == f"https://{host}"
    assert exports["namespace"] == "mlflow"
    assert exports["paused"] is False
    assert exports["teams"] == {
        name: {"namespace": name, "serviceAccount": "mlflow-client", "workspace": name} for name in teams
    }
    assert exports.get("authority", "").startswith("-----BEGIN CERTIFICATE-----") is (stack == "dev")
    users = stack_file(stack)["mlflow-platform:login"].get("users", {})
    assert exports["users"] == sorted(users)
    assert exports["passwords"].keys() == users.keys()


@pytest.mark.parametrize(
    ("stack", "url"),
    [("dev", "http://mlflow.mlflow.svc.cluster.local"), ("prod", "https://mlflow.example.com")],
)
def test_programs_use_the_public_address_if_its_certificate_is_public(stack: str, url: str) -> None:
    environments = [resource.inputs["data"] for resource in recorded(stack).of("ConfigMap")]
    given = [data["MLFLOW_TRACKING_URI"] for data in environments if "MLFLOW_TRACKING_URI" in data]
    assert given == [url, url]


def test_notebooks_in_a_namespace_of_their_own_have_access_and_reach_the_login() -> None:
    teams = {"team-a": {"serviceAccounts": ["jupyter/team-a"]}, "team-b": {}}
    got = run("dev", teams=teams)
    assert got["team-a-program-binding"].inputs["subjects"][1] == {
        "kind": "ServiceAccount",
        "name": "team-a",
        "namespace": "jupyter",
    }
    assert len(got["team-b-program-binding"].inputs["subjects"]) == 1
    (ingress,) = got["mlflow-network"].inputs["spec"]["ingress"]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "jupyter"}}} in ingress["from"]


def test_addresses_of_the_cluster_open_the_same_egress_for_every_team() -> None:
    addresses = {"apiServer": ["10.0.0.1/32"], "ingressAddresses": ["192.0.2.0/28"]}
    got = run("dev", cluster=addresses, workspaces={"apiServer": True})
    for team in ("team-a", "team-b"):
        blocks = [
            (peer["ipBlock"]["cidr"], [port["port"] for port in rule["ports"]])
            for rule in got[f"{team}-network"].inputs["spec"]["egress"]
            for peer in rule["to"]
            if "ipBlock" in peer
        ]
        assert blocks == [("192.0.2.0/28", [443]), ("10.0.0.1/32", [443, 6443, 8443])]


def test_forward_auth_reads_the_requested_page_from_the_named_addresses_only() -> None:
    got = run("dev", gateway={"kind": "ingress", "login": "forward-auth"}, cluster={"ingressPods": ["10.244.0.0/24"]})
    (container,) = got["forward-auth-server"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--trusted-proxy-ip=127.0.0.1" in container["args"]
    configuration = got["forward-auth-front-configuration"].inputs["data"]["haproxy.cfg"]
    assert "http-request del-header x-forwarded- -m beg unless { src 10.244.0.0/24 }" in configuration


def test_a_paused_platform_lacks_its_server_and_nothing_else() -> None:
    server = stack_file("dev")["mlflow-platform:server"] | {"paused": True}
    paused = run("dev", server=server)
    assert paused.exports["paused"] is True
    running = {resource.urn for resource in recorded("dev")} - {resource.urn for resource in paused}
    assert running == {recorded("dev")["mlflow-server"].urn}
    # The migration is unchanged too: otherwise it would run while the server still terminates.
    assert paused["migration-job"].document == recorded("dev")["migration-job"].document


def test_the_label_of_workspaces_is_what_the_server_selects_and_admits() -> None:
    got = run("dev", workspaces={"label": "example.com/mlflow=yes"})
    labels = got["team-a-namespace"].inputs["metadata"]["labels"]
    assert labels["example.com/mlflow"] == "yes"
    assert "mlflow-enabled" not in labels
    (server,) = got["mlflow-server"].inputs["spec"]["template"]["spec"]["containers"]
    selector = [one["value"] for one in server["env"] if one["name"] == "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR"]
    assert selector == ["example.com/mlflow=yes"]
    (ingress,) = got["mlflow-network"].inputs["spec"]["ingress"]
    assert {"namespaceSelector": {"matchLabels": {"example.com/mlflow": "yes"}}} in ingress["from"]


NGINX = {
    "ingressController": "ingress-nginx",
    "ingressClass": "nginx",
    "ingressNamespace": "ingress-nginx",
}
# The values in ingress-nginx's documentation for uploads of any size and duration, that are passed on as they arrive.
UNBOUNDED = {"proxy-body-size": "0", "proxy-request-buffering": "off", "proxy-buffering": "off"}


def test_ingress_nginx_is_told_to_pass_on_bodies_of_any_size() -> None:
    got = run("dev", cluster=NGINX)
    ingresses = got.of("Ingress")
    assert len(ingresses) == 2
    for ingress in ingresses:
        annotations = ingress.inputs["metadata"]["annotations"]
        for name, value in UNBOUNDED.items():
            assert annotations[f"nginx.ingress.kubernetes.io/{name}"] == value
        assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "3600"
        assert annotations["nginx.ingress.kubernetes.io/proxy-send-timeout"] == "3600"
        assert ingress.inputs["spec"]["ingressClassName"] == "nginx"


def test_an_annotation_of_the_stack_file_goes_before_that_of_the_controllers_kind() -> None:
    own = {"nginx.ingress.kubernetes.io/proxy-body-size": "10g"}
    got = run("dev", cluster={**NGINX, "ingressAnnotations": own})
    for ingress in got.of("Ingress"):
        annotations = ingress.inputs["metadata"]["annotations"]
        assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "10g"
        assert annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"


def test_other_controllers_get_no_annotations() -> None:
    for ingress in recorded("dev").of("Ingress"):
        assert not any("nginx" in name for name in ingress.inputs["metadata"].get("annotations", {}))
