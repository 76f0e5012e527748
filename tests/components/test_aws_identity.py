import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from components.aws import policies
from components.aws.iam_role import RoleIdentity, RoleIdentityArgs
from components.aws.iam_user import UserIdentity, UserIdentityArgs
from components.aws.pod_identity import Irsa, PodIdentity, pod_identity_flow
from tests.cloud import ACCOUNT, autoname
from tests.components.parts import NAMESPACE, attached
from tests.harness import Recording, deploy

PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
POLICY = json.dumps(policies.document())


def role(kind: Irsa | PodIdentity) -> Recording:
    def program() -> dict[str, Any]:
        component = RoleIdentity(
            "server",
            RoleIdentityArgs(
                kind=kind,
                namespace=NAMESPACE,
                service_account="mlflow",
                policy=POLICY,
                description="The server",
                permissions_boundary=BOUNDARY,
            ),
        ).identity
        token: Any = component.attachment.volumes[0].projected
        return {
            "environment": attached(component.attachment),
            "audience": token.sources[0].service_account_token.audience,
            "mounts": [mount.mount_path for mount in component.attachment.mounts],
            "annotations": component.annotations,
            "ports": [flow.ports for flow in component.flows],
        }

    return deploy(program)


def user(rotation: int = 1, secret: str | None = None) -> Recording:
    def program() -> dict[str, Any]:
        component = UserIdentity(
            "server",
            UserIdentityArgs(
                rotation=rotation, namespace=NAMESPACE, policy=POLICY, permissions_boundary=BOUNDARY, secret=secret
            ),
        ).identity
        return {"environment": attached(component.attachment)}

    return deploy(program)


def test_a_pod_at_eks_assumes_its_role_with_a_mounted_token() -> None:
    got = role(Irsa(provider=PROVIDER))
    arn = f"arn:aws:role::{ACCOUNT}:{autoname('server-role')}"
    folder = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    assert got.exports == {
        "environment": {
            "AWS_ROLE_ARN": arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{folder}/token",
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        },
        "audience": "sts.amazonaws.com",
        "mounts": [folder],
        "annotations": {"eks.amazonaws.com/role-arn": arn},
        "ports": [[443]],
    }
    (statement,) = json.loads(got["server-role"].inputs["assumeRolePolicy"])["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
        "oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub": f"system:serviceaccount:{NAMESPACE}:mlflow",
    }


def test_a_pod_with_pod_identity_reaches_the_agent_and_no_other_link_local_address() -> None:
    got = role(PodIdentity(cluster="prod"))
    folder = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
    assert got.exports == {
        "environment": {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{folder}/eks-pod-identity-token",
        },
        "audience": "pods.eks.amazonaws.com",
        "mounts": [folder],
        "annotations": {},
        "ports": [[443], [80]],
    }
    peer: Any = pod_identity_flow().peers[0]
    assert peer.ip_block.cidr == "169.254.170.23/32"
    association = got["server-association"].inputs
    assert (association["clusterName"], association["namespace"]) == ("prod", NAMESPACE)
    assert association["serviceAccount"] == "mlflow"
    (statement,) = json.loads(got["server-role"].inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "prod",
        "aws:RequestTag/kubernetes-namespace": NAMESPACE,
        "aws:RequestTag/kubernetes-service-account": "mlflow",
    }


def test_an_access_key_is_in_a_secret_and_nowhere_else() -> None:
    got = user()
    secret = autoname("server-secret")
    assert got.exports == {
        "environment": {
            "AWS_ACCESS_KEY_ID": f"{secret}/AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY": f"{secret}/AWS_SECRET_ACCESS_KEY",
        }
    }
    (key,) = got.secret_values
    assert got["server-secret"].secrets["stringData.AWS_SECRET_ACCESS_KEY"] == key
    assert not any(key in resource.plain.values() for resource in got)


def test_a_new_rotation_number_creates_a_key_before_it_deletes_the_old_one() -> None:
    assert user(1)["server-key"].trigger != user(2)["server-key"].trigger
    assert not user(1)["server-key"].delete_first


def test_a_secret_that_people_type_has_a_name() -> None:
    assert user(secret="mlflow-artifacts")["server-secret"].inputs["metadata"]["name"] == "mlflow-artifacts"  # noqa: S106
    assert "name" not in user()["server-secret"].inputs["metadata"]


@pytest.mark.parametrize(
    "deployed", [partial(role, Irsa(provider=PROVIDER)), partial(role, PodIdentity(cluster="prod")), user]
)
def test_every_role_and_user_has_the_permissions_boundary(deployed: Callable[[], Recording]) -> None:
    resources = [resource for resource in deployed() if resource.kind in {"aws.Role", "aws.User"}]
    assert [resource.inputs["permissionsBoundary"] for resource in resources] == [BOUNDARY]
