import json
import subprocess
import sys
from typing import Any

import yaml

from tests.components.parts import container, environment, pod
from tests.harness import Recording, Registered
from tests.program.stacks import ROOT, SECRETS, recorded, run, stack_file

ARTIFACTS = {"kind": "bucket", "directAccess": True}
# Prints whether the program of a stack without AWS loads pulumi_aws, which takes seconds.
LOADED = "import sys; from tests.program.stacks import recorded; recorded('dev'); print('pulumi_aws' in sys.modules)"


def prod(**changes: Any) -> Recording:  # noqa: ANN401 - sections of a stack file
    return run("prod", secrets=SECRETS["prod"], **changes)


def direct(**identity: object) -> Recording:
    at = {**stack_file("prod")["mlflow-platform:aws"]}
    return prod(artifacts=ARTIFACTS, aws={**at, "identity": identity or at["identity"]})


def statements(resource: Registered) -> list[dict[str, Any]]:
    return json.loads(resource.inputs["policy"])["Statement"]


def test_a_stack_without_aws_does_not_load_what_aws_needs() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip().endswith("False")


def test_the_provider_works_in_one_account_and_tags_what_it_makes() -> None:
    inputs = recorded("prod")["aws"].inputs
    assert inputs["region"] == "eu-central-1"
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012"]
    tags = {"mlflow-platform": "mlflow.example.com", "cost-center": "machine-learning"}
    assert json.loads(inputs["defaultTags"]) == {"tags": tags}


def test_nothing_at_aws_is_made_by_a_default_provider() -> None:
    resources = [resource for resource in direct() if resource.type.startswith("aws:")]
    assert len(resources) > 15
    assert {resource.provider for resource in resources} == {"aws"}


def test_server_and_job_have_separate_aws_identities() -> None:
    got = recorded("prod")
    job, server = pod(got, "database-role-job"), pod(got, "mlflow-server")
    assert job["serviceAccountName"] == "mlflow-database-role"
    assert server["serviceAccountName"] == "mlflow"
    given = environment(container(got, "database-role-job"))
    assert given["ADMINISTRATOR_SECRET_ARN"].startswith("arn:aws:secretsmanager:")
    assert given["AWS_DEFAULT_REGION"] == "eu-central-1"
    (mlflow,) = server["containers"]
    roles = {environment(mlflow)["AWS_ROLE_ARN"], given["AWS_ROLE_ARN"]}
    assert len(roles) == 2
    assert "ADMINISTRATOR_SECRET_ARN" not in environment(mlflow)


def test_the_database_is_verified_with_the_configured_ca_certificate() -> None:
    got = recorded("prod")
    given = got["database-authority"].inputs["data"]["ca.crt"]
    assert given.strip() == stack_file("prod")["mlflow-platform:database"]["authority"].strip()
    uris = [word for word in container(got, "mlflow-server")["command"] if word.startswith("--backend-store-uri=")]
    assert [uri.partition("?")[2] for uri in uris] == [
        "sslmode=verify-full&sslrootcert=/etc/authorities/database/ca.crt"
    ]


def test_a_new_rotation_number_changes_the_passwords_alone() -> None:
    database = {**stack_file("prod")["mlflow-platform:database"], "passwordRotation": 2}
    before, after = (
        {resource.urn: resource.document for resource in got} for got in (recorded("prod"), prod(database=database))
    )
    changed = {urn.rpartition("::")[2] for urn in before if before[urn] != after[urn]}
    assert changed == {"database-user-password", "database-server-password"}


def test_a_teams_pods_assume_a_role_for_their_own_workspaces_files() -> None:
    got = direct()
    annotations = got["research-account"].inputs["metadata"]["annotations"]
    assert annotations.keys() == {"eks.amazonaws.com/role-arn"}
    variables = got["research-client"].inputs["data"]
    assert variables["WORKSPACE_ARTIFACTS"].endswith("/workspaces/research/")
    assert variables["AWS_DEFAULT_REGION"] == "eu-central-1"
    listing, objects, _ = statements(got["research-artifacts-policy"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "workspaces/research/*"}}
    assert objects["Resource"].endswith("/workspaces/research/*")
    ports = [port["port"] for rule in got["research-network"].inputs["spec"]["egress"] for port in rule["ports"]]
    assert 443 in ports


def test_a_team_outside_aws_finds_a_key_in_its_namespace() -> None:
    got = direct(kind="access-key", rotation=3)
    metadata = got["research-artifacts-secret"].inputs["metadata"]
    assert metadata == {"namespace": "research", "name": "mlflow-artifacts"}
    assert not got["research-account"].inputs["metadata"]["annotations"]
    assert len(got.of("aws.AccessKey")) == 4
    assert {resource.trigger for resource in got.of("aws.AccessKey")} == {3}


def test_pod_identity_is_associated_with_every_service_account() -> None:
    got = direct(kind="pod-identity", clusterName="prod")
    identities = {
        (resource.inputs["namespace"], resource.inputs["serviceAccount"])
        for resource in got.of("aws.PodIdentityAssociation")
    }
    teams = {(team, "mlflow-client") for team in ("research", "pricing")}
    assert identities == teams | {("mlflow", "mlflow"), ("mlflow", "mlflow-database-role")}


def test_only_a_team_with_direct_access_has_an_aws_identity_and_an_archived_one_never() -> None:
    assert not [resource for resource in recorded("prod") if resource.name.startswith("research-artifacts")]
    got = prod(artifacts=ARTIFACTS, teams={"research": {"archived": True}, "pricing": {}})
    assert {resource.name for resource in got if resource.type == "mlflow-platform:index:RoleIdentity"} == {
        "server-identity",
        "database-identity",
        "pricing-artifacts",
    }


def test_production_with_services_of_ones_own_has_nothing_at_aws() -> None:
    page = (ROOT / "docs" / "own-services.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["config"]
    sections = {key.removeprefix("mlflow-platform:"): value for key, value in shown.items()}
    secrets = ["databaseAdministratorPassword", "artifactsAccessKeyId", "artifactsSecretAccessKey", "loginClientSecret"]
    got = run("prod", secrets=secrets, aws="", **sections)
    assert not [resource for resource in got if resource.type.startswith("aws:")]
    assert got["bucket"].type == "mlflow-platform:index:ExternalStore"
    assert got["database"].type == "mlflow-platform:index:ExternalDatabase"


def test_below_a_folder_the_policies_end_at_the_folder() -> None:
    got = prod(artifacts={**ARTIFACTS, "prefix": "shared/mlflow"})
    bucket = got["bucket-bucket"].inputs.get("arn") or f"arn:aws:s3:::{got['bucket-bucket'].id}"
    listing, objects, _ = statements(got["server-identity-policy"])
    assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": "shared/mlflow/*"}}
    assert objects["Resource"] == f"{bucket}/shared/mlflow/*"
    listing, objects, _ = statements(got["research-artifacts-policy"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "shared/mlflow/workspaces/research/*"}}
    assert objects["Resource"] == f"{bucket}/shared/mlflow/workspaces/research/*"
    folder = got["research-client"].inputs["data"]["WORKSPACE_ARTIFACTS"]
    assert folder.endswith("/shared/mlflow/workspaces/research/")
    assert "--artifacts-destination=s3-proxied://" in " ".join(container(got, "mlflow-server")["command"])
    assert any(word.endswith("/shared/mlflow") for word in container(got, "mlflow-server")["command"])
