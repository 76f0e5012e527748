"""Served models: their objects, their rights, and the pods that can reach them."""

import json
from typing import Any

import pulumi_kubernetes as k8s

from components.kubernetes.pods import Resources
from components.serving.contract import VERSION
from components.serving.served_model import Model, Part
from components.serving.serving import Serving, ServingArgs
from components.serving.split import configuration
from tests.components.parts import container, environment, opened, pod
from tests.harness import Recording, deploy

CHAMPION = Part(alias="champion", replicas=2, share=90)
CHALLENGER = Part(alias="challenger", replicas=1, share=10)
# The namespace, as NetworkPolicies select it.
HERE: dict[str, Any] = {"podSelector": {"matchLabels": {}}}


def model(**changes: Any) -> Model:  # noqa: ANN401 - arguments of the component
    arguments: dict[str, Any] = {
        "inference_service": False,
        "model": "fraud-detection",
        "champion": CHAMPION,
        "challenger": None,
        "image": "registry.example.com/fraud:1.0",
        "pull_secrets": ["registry"],
        "resources": Resources(cpu="250m", memory="512Mi", cpu_limit="1", memory_limit="1Gi"),
        "model_space": "2Gi",
        "start_seconds": 120,
        "namespaces": (),
        **changes,
    }
    return Model(**arguments)


def serving(**models: Model) -> Recording:
    def program() -> None:
        settings = k8s.core.v1.ConfigMap("team-a-client", metadata={"name": "mlflow-client", "namespace": "team-a"})
        args = ServingArgs(
            workspace=settings,
            client_settings=settings,
            team="team-a",
            namespace="team-a",
            models=models or {"fraud": model()},
            team_namespaces={"team-a": "team-a", "team-b": "team-b"},
            rollout_image="registry.example.com/mlflow:3.17.2",
            split_image="registry.example.com/haproxy:3.0",
            audience="mlflow",
            api_server=["10.0.0.1/32"],
        )
        Serving("team-a-serving", args)

    return deploy(program)


def named(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def test_a_pod_serves_the_version_in_its_own_annotation_which_the_rollout_writes_and_pulumi_ignores() -> None:
    deployment = serving()["team-a-serving-fraud-champion-deployment"]
    assert deployment.ignored == (f'spec.template.metadata.annotations["{VERSION}"]',)
    assert "annotations" not in deployment.inputs["spec"]["template"]["metadata"]
    (spec,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    given = environment(spec)
    assert given["MODEL_VERSION"] == f"metadata.annotations['{VERSION}']"
    assert (given["MODEL_NAME"], given["MODEL_ALIAS"]) == ("fraud-detection", "champion")


def test_a_pod_ends_when_its_successor_is_ready_and_a_version_that_is_not_ready_in_time_is_reported() -> None:
    spec = serving()["team-a-serving-fraud-champion-deployment"].inputs["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert spec["progressDeadlineSeconds"] == 120
    probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 120


def test_no_deployment_waits_for_a_model_or_for_room_in_a_teams_quota() -> None:
    got = serving(fraud=model(challenger=CHALLENGER), risk=model(inference_service=True))
    models = [one for one in got if one.kind in {"Service", "Deployment", "InferenceService"}]
    ours = {"team-a-serving-fraud-split-deployment"}
    waited = {one.name for one in models if "pulumi.com/skipAwait" not in one.inputs["metadata"].get("annotations", {})}
    assert waited == ours


def test_the_model_is_read_as_an_account_that_can_read_and_nothing_else() -> None:
    got = serving()
    server = pod(got, "team-a-serving-fraud-champion-deployment")
    assert server["serviceAccountName"] == "model-server"
    (token,) = (one for one in server["volumes"] if one["name"] == "token")
    assert token["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "mlflow"
    binding = got["team-a-serving-reader-binding"].inputs
    assert binding["roleRef"]["name"] == "mlflow-viewer"
    assert {one["name"] for one in binding["subjects"]} == {"model-server", "model-rollout"}
    (other,) = (one for one in got.of("RoleBinding") if one.name != "team-a-serving-reader-binding")
    assert [one["name"] for one in other.inputs["subjects"]] == ["model-rollout"]


def test_the_rollout_may_get_and_patch_exactly_the_servers() -> None:
    got = serving(fraud=model(challenger=CHALLENGER), churn=model(), risk=model(inference_service=True))
    assert got["team-a-serving-rollout-role"].inputs["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["churn", "fraud", "fraud-challenger"],
            "verbs": ["get", "patch"],
        },
        {
            "apiGroups": ["serving.kserve.io"],
            "resources": ["inferenceservices"],
            "resourceNames": ["risk"],
            "verbs": ["get", "patch"],
        },
    ]


def test_the_rollout_follows_each_alias_and_reaches_the_api_server() -> None:
    got = serving(fraud=model(challenger=CHALLENGER))
    given = environment(container(got, "team-a-serving-rollout-deployment"))
    targets = json.loads(given["SERVED_MODELS"])
    assert [(one["path"], one["model"], one["alias"]) for one in targets] == [
        ("/apis/apps/v1/namespaces/team-a/deployments/fraud", "fraud-detection", "champion"),
        ("/apis/apps/v1/namespaces/team-a/deployments/fraud-challenger", "fraud-detection", "challenger"),
    ]
    _, egress = opened(got["team-a-serving-rollout-network"])
    assert [rule["to"] for rule in egress] == [[{"ipBlock": {"cidr": "10.0.0.1/32"}}]]


def test_pods_of_the_team_send_requests_and_no_others() -> None:
    got = serving()
    ingress, egress = opened(got["team-a-serving-fraud-network"])
    assert ingress == [{"from": [HERE], "ports": [{"protocol": "TCP", "port": 8080}]}]
    assert egress == []
    _, outgoing = opened(got["team-a-serving-network"])
    names = [one["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for one in outgoing[0]["to"]]
    assert names == ["model-server", "model-split"]


def test_other_namespaces_send_requests_if_they_are_named_and_those_of_teams_are_opened_for_it() -> None:
    got = serving(fraud=model(namespaces=["team-b", "shop"]))
    ingress, _ = opened(got["team-a-serving-fraud-network"])
    assert ingress[0]["from"] == [HERE, named("team-b"), named("shop")]
    policy = got["team-a-serving-fraud.from.team-b-network"]
    assert policy.inputs["metadata"]["namespace"] == "team-b"
    _, egress = opened(policy)
    assert egress[0]["to"] == [
        named("team-a") | {"podSelector": {"matchLabels": {"mlflow-platform/served-model": "fraud"}}}
    ]
    assert not [one for one in got if "from-shop" in one.name]


def test_one_alias_has_a_service_of_its_pods_and_no_proxy() -> None:
    got = serving()
    assert [one.name for one in got.of("Service")] == ["team-a-serving-fraud-service"]
    selector = got["team-a-serving-fraud-service"].inputs["spec"]["selector"]
    labels = got["team-a-serving-fraud-champion-deployment"].inputs["spec"]["template"]["metadata"]["labels"]
    assert selector == labels


def test_a_challenger_changes_what_the_service_selects_once_the_proxy_answers_and_nothing_of_the_champion() -> None:
    alone, beside = serving(), serving(fraud=model(challenger=CHALLENGER))
    for name in ("team-a-serving-fraud-champion-deployment", "team-a-serving-fraud-network"):
        assert alone[name].document == beside[name].document
    service = beside["team-a-serving-fraud-service"]
    assert service.urn == alone["team-a-serving-fraud-service"].urn
    assert service.inputs["spec"]["selector"]["app.kubernetes.io/name"] == "model-split"
    assert "team-a-serving-fraud-split-deployment" in service.dependencies


def test_the_proxy_sends_each_alias_its_share() -> None:
    got = serving(fraud=model(challenger=CHALLENGER))
    text = got["team-a-serving-fraud-split-configuration"].inputs["data"]["haproxy.cfg"]
    servers = [line.split() for line in text.splitlines() if line.startswith("    server ")]
    assert [(one[2], one[4]) for one in servers] == [
        ("fraud-champion.team-a.svc.cluster.local:80", "90"),
        ("fraud-challenger.team-a.svc.cluster.local:80", "10"),
    ]
    for name in ("champion", "challenger"):
        service = got[f"team-a-serving-fraud-{name}-service"].inputs
        assert service["metadata"]["name"] == f"fraud-{name}"
        assert service["spec"]["selector"]["mlflow-platform/served-as"] == name


def test_the_proxy_counts_requests_and_not_connections() -> None:
    assert "option httpclose" in configuration({"a": 90, "b": 10})


def test_nodes_can_be_drained() -> None:
    got = serving(fraud=model(challenger=CHALLENGER))
    budgets = {one.name for one in got.of("PodDisruptionBudget")}
    assert budgets == {
        "team-a-serving-fraud-champion-disruption-budget",
        "team-a-serving-fraud-split-disruption-budget",
    }


def test_an_inference_service_has_the_same_pod_and_nothing_of_it_is_there_unless_asked_for() -> None:
    got = serving(risk=model(inference_service=True))
    assert not [one for one in got.of("Service") if "risk" in one.name]
    service = got["team-a-serving-risk-inference-service"]
    predictor = service.inputs["spec"]["predictor"]
    plain = pod(serving(risk=model()), "team-a-serving-risk-champion-deployment")
    ((own,), (other,)) = predictor["containers"], plain["containers"]
    assert own == other | {"name": "kserve-container"}
    assert {key: predictor[key] for key in plain if key != "containers"} == {
        key: value for key, value in plain.items() if key != "containers"
    }
    assert service.ignored == (f'spec.predictor.annotations["{VERSION}"]',)
    assert serving().of("InferenceService") == []
