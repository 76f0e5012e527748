"""Access keys of teams for the store: in the cluster, and for an existing bucket."""

import functools
import json
from typing import Any

import pulumi
import pytest

from factories.credentials import parsed_keys
from tests.harness import Recording, Registered
from tests.program.stacks import run, secret_value
from tests.program.taint import leaks

TEAMS = {"team-a": {"directAccess": True}, "team-b": {}, "old": {"directAccess": True, "archived": True}}
KEY = {"accessKeyId": "AKIASHOP", "secretAccessKey": "hunter2"}
NAME = "mlflow-artifacts"


@functools.cache
def in_cluster() -> Recording:
    return run("dev", teams=TEAMS)


@functools.cache
def external() -> Recording:
    names = ("artifactsAccessKeyId", "artifactsSecretAccessKey")
    secrets = {**{name: secret_value(name) for name in names}, "artifactsTeamKeys": json.dumps({"team-a": KEY})}
    artifacts = {"kind": "s3", "bucket": "artifacts", "endpointUrl": "https://s3.example.com"}
    return run("dev", secrets=secrets, teams=TEAMS, artifacts=artifacts)


def team_secrets(got: Recording) -> dict[str, Registered]:
    """The teams' Secrets by namespace."""
    found = [one for one in got.of("Secret") if one.inputs["metadata"].get("name") == NAME]
    return {one.inputs["metadata"]["namespace"]: one for one in found}


def egress(got: Recording, team: str) -> list[Any]:
    """Ports that the team's pods can connect to."""
    rules = got[f"{team}-network"].inputs["spec"]["egress"]
    return [port["port"] for rule in rules for port in rule["ports"]]


def test_only_a_team_with_direct_access_has_a_key_and_an_archived_one_never() -> None:
    for got in (in_cluster(), external()):
        assert team_secrets(got).keys() == {"team-a"}
        assert leaks(got) == []


def test_the_key_comes_with_what_clients_of_the_store_in_the_cluster_need() -> None:
    got = in_cluster()
    data = team_secrets(got)["team-a"].inputs["stringData"]
    (*_, identity) = json.loads(got["object-store-configuration"].inputs["stringData"]["s3.json"])["identities"]
    assert identity["credentials"] == [
        {"accessKey": data.pop("AWS_ACCESS_KEY_ID"), "secretKey": data.pop("AWS_SECRET_ACCESS_KEY")}
    ]
    assert identity["name"] == "team team-a"
    url = "http://object-store.mlflow.svc.cluster.local:8333"
    assert data == {
        "MLFLOW_S3_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "WORKSPACE_ARTIFACTS": "s3://mlflow/workspaces/team-a/",
    }


def test_only_pods_of_a_team_with_a_key_reach_the_store_in_the_cluster() -> None:
    got = in_cluster()
    (rule,) = got["object-store-network"].inputs["spec"]["ingress"]
    namespaces = [peer["namespaceSelector"]["matchLabels"] for peer in rule["from"] if "namespaceSelector" in peer]
    assert namespaces == [{"kubernetes.io/metadata.name": "team-a"}]
    assert 8333 in egress(got, "team-a")
    assert 8333 not in egress(got, "team-b")


def test_a_teams_key_for_an_existing_bucket_is_the_one_in_the_stack_file() -> None:
    data = team_secrets(external())["team-a"].inputs["stringData"]
    assert (data["AWS_ACCESS_KEY_ID"], data["AWS_SECRET_ACCESS_KEY"]) == tuple(KEY.values())
    assert data["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.example.com"
    assert data["WORKSPACE_ARTIFACTS"] == "s3://artifacts/workspaces/team-a/"


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", "{}", '{"shop": "x"}', '{"shop": {"accessKeyId": "hunter2", "secretAccessKey": ""}}']
)
def test_missing_keys_are_all_reported_and_none_is_shown(text: str) -> None:
    with pytest.raises(
        pulumi.RunError, match=r"artifactsTeamKeys: has no access key of shop, search; expected"
    ) as error:
        parsed_keys(text, ["shop", "search"])
    assert "hunter2" not in str(error.value)
