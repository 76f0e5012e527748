import ast
from pathlib import Path

import pulumi

from components.aws.web_identity import to_aws, web_identity
from components.database.database_role import LABELS, Administrator, DatabaseRole, DatabaseRoleArgs
from components.kubernetes import networks, pods
from components.kubernetes.ca_certificates import Authority
from components.kubernetes.credential import ExistingSecret, GeneratedPassword, credential
from components.scripts import script
from tests.cloud import autoname
from tests.components.parts import NAMESPACE, container, environment, opened, pod
from tests.harness import Recording, deploy

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::123456789012:role/database"


def role(administrator: Administrator | None = None) -> Recording:
    def program() -> None:
        opts = pulumi.ResourceOptions()
        by_password = credential(
            "administrator", ExistingSecret(name="company", keys={"password": "p"}), namespace=NAMESPACE, opts=opts
        )
        args = DatabaseRoleArgs(
            namespace=NAMESPACE,
            image="mlflow:1.2.3",
            host="db.example.com",
            port=6432,
            database="tracking",
            user="platform",
            password=credential("role", GeneratedPassword(), namespace=NAMESPACE, opts=opts),
            server_user="platform_server",
            server_password=credential("server", GeneratedPassword(), namespace=NAMESPACE, opts=opts),
            administrator=administrator or Administrator.by_password("root", by_password),
            authority=Authority(file="/etc/authorities/database/ca.crt"),
            flow=networks.Flow(peers=[networks.anywhere_but_metadata()], ports=[6432]),
        )
        DatabaseRole("database-role", args)

    return deploy(program)


def test_it_has_three_passwords_from_secrets_and_verifies_the_server() -> None:
    assert environment(container(role(), "database-role-job")) == {
        "PGHOST": "db.example.com",
        "PGPORT": "6432",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/authorities/database/ca.crt",
        "ROLE": "platform",
        "DATABASE": "tracking",
        "ROLE_PASSWORD": f"{autoname('role-credential')}/password",
        "SERVER_ROLE": "platform_server",
        "SERVER_PASSWORD": f"{autoname('server-credential')}/password",
        "ADMINISTRATOR_USER": "root",
        "ADMINISTRATOR_PASSWORD": "company/p",
        "ADMINISTRATOR_PASSWORD_ROTATION": "1",
    }


def test_it_runs_again_when_a_password_or_its_script_changes() -> None:
    needed = role()["database-role-job"].dependencies
    assert {"role-credential", "server-credential", "database-role-script"} <= needed


def test_a_failure_ends_it_at_once_and_a_drained_node_does_not() -> None:
    spec = role()["database-role-job"].inputs["spec"]
    assert spec["backoffLimit"] == 0
    drained = {"type": "DisruptionTarget", "status": "True"}
    assert spec["podFailurePolicy"] == {"rules": [{"action": "Ignore", "onPodConditions": [drained]}]}


def test_the_exit_codes_of_its_script_are_documented() -> None:
    module = ast.parse(script("ensure_role.py"))
    names, codes = next(
        (ast.unparse(node.targets[0]), ast.unparse(node.value))
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
    )
    assert names.startswith("(ADMINISTRATOR, ")
    page = (ROOT / "docs" / "own-services.md").read_text(encoding="utf-8")
    for code in ast.literal_eval(codes):
        assert f"| {code} |" in page


def test_it_reaches_the_database_alone_and_has_no_ingress() -> None:
    got = role()
    assert got["database-role-network"].inputs["spec"]["podSelector"] == {"matchLabels": LABELS}
    ingress, egress = opened(got["database-role-network"])
    assert ingress == []
    assert [port["port"] for rule in egress for port in rule["ports"]] == [6432]


def test_an_administrators_secret_at_aws_is_read_with_the_service_account() -> None:
    identity = web_identity(ROLE)
    secret = pods.Attachment(env=(pods.core.EnvVarArgs(name="ADMINISTRATOR_SECRET_ARN", value="arn:secret"),))
    got = role(
        Administrator(
            attachment=pods.joined(identity, secret), flows=to_aws().flows, service_account="mlflow-database-role"
        )
    )
    assert pod(got, "database-role-job")["serviceAccountName"] == "mlflow-database-role"
    assert pod(got, "database-role-job")["automountServiceAccountToken"] is False
    given = environment(container(got, "database-role-job"))
    assert given.items() >= {"ADMINISTRATOR_SECRET_ARN": "arn:secret", "AWS_ROLE_ARN": ROLE}.items()
    _, egress = opened(got["database-role-network"])
    assert [port["port"] for rule in egress for port in rule["ports"]] == [6432, 443]
