"""What the deployed stack says of itself, and tokens for its workspaces."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

AUDIENCE = "mlflow"
# The shortest that Kubernetes issues.
TOKEN_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamAccount:
    """A team's namespace and the service account of its programs."""

    namespace: str
    service_account: str
    workspace: str | None
    """The team's MLflow workspace; None in an MLflow without workspaces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """Outputs of a stack."""

    url: str
    namespace: str
    authority: str | None
    """PEM of a private authority that clients have to trust."""

    teams: dict[str, TeamAccount]
    users: tuple[str, ...]
    """E-mail addresses of the users that the stack file names; none with a company login."""

    audience: str = AUDIENCE
    """Audience of the service-account tokens that the login admits."""

    paused: bool = False
    """Whether no server runs, because the stack file says so."""


def parse_outputs(outputs: dict[str, Any]) -> Platform:
    """The outputs of `pulumi stack output --json` as a value.

    Raises:
        KeyError: the stack has not been deployed, or not by this program.
    """
    return Platform(
        url=outputs["url"],
        namespace=outputs["namespace"],
        paused=outputs.get("paused", False),
        authority=outputs.get("authority"),
        teams={
            name: TeamAccount(
                namespace=team["namespace"],
                service_account=team["serviceAccount"],
                # Stacks of before MLflow could go without workspaces do not say.
                workspace=team.get("workspace", name),
            )
            for name, team in outputs["teams"].items()
        },
        users=tuple(outputs.get("users", ())),
        audience=outputs.get("audience", AUDIENCE),
    )


def read_platform() -> Platform:
    """The selected stack's outputs.

    Raises:
        SystemExit: Pulumi cannot read them, or the stack has none.
    """
    done = subprocess.run(["pulumi", "stack", "output", "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the stack's outputs cannot be read: {done.stderr.strip()}")
    try:
        return parse_outputs(json.loads(done.stdout))
    except KeyError as missing:
        sys.exit(f"the selected stack has no output {missing}: run `make up` first")


def service_account_token(namespace: str, name: str, audience: str) -> str:
    """A token of ten minutes that the platform's login accepts for this service account."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    request = kubernetes.AuthenticationV1TokenRequest(
        spec=kubernetes.V1TokenRequestSpec(audiences=[audience], expiration_seconds=TOKEN_SECONDS)
    )
    answer: Any = kubernetes.CoreV1Api().create_namespaced_service_account_token(name, namespace, request)
    return str(answer.status.token)
