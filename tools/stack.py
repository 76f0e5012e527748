"""Outputs of the deployed stack, and tokens of service accounts."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig

from settings.types.service_accounts import AUDIENCE

# The shortest lifetime of a service-account token that Kubernetes allows.
TOKEN_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamAccount:
    """Namespace, service account and workspace of a team."""

    namespace: str
    service_account: str
    workspace: str | None
    """The team's MLflow workspace; None if `workspaces.enabled` is false."""

    archived: bool = False
    """True if the team is archived, with a tracking server that somebody else runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """The outputs of a deployed stack, parsed."""

    url: str
    namespace: str
    authority: str | None
    """CA certificate in PEM that clients must trust; None if the stack has no such output."""

    teams: dict[str, TeamAccount]
    users: tuple[str, ...]
    """E-mail addresses of the users in the stack file; empty if users sign in at an OIDC provider."""

    audience: str = AUDIENCE
    """The audience that the platform accepts in service-account tokens."""

    external: bool = False
    """True if the tracking server is not part of the stack; then there is no platform namespace."""

    paused: bool = False
    """True if `server.paused` is set, so that no server runs."""


def parse_outputs(outputs: dict[str, Any]) -> Platform:
    """Parse the outputs of `pulumi stack output --json`.

    Raises:
        KeyError: an output is missing: the stack has not been deployed, or not by this Pulumi program.
    """
    return Platform(
        url=outputs["url"],
        namespace=outputs["namespace"],
        external=outputs.get("server", "platform") != "platform",
        paused=outputs.get("paused", False),
        authority=outputs.get("authority"),
        teams={
            name: TeamAccount(
                namespace=team["namespace"],
                service_account=team["serviceAccount"],
                # Stacks deployed before `workspaces.enabled` existed have no such output.
                workspace=team.get("workspace", name),
                archived=team.get("archived", False),
            )
            for name, team in outputs["teams"].items()
        },
        users=tuple(outputs.get("users", ())),
        audience=outputs.get("audience", AUDIENCE),
    )


def read_platform() -> Platform:
    """The selected stack's outputs.

    Raises:
        SystemExit: Pulumi cannot read the outputs, or one of them is missing.
    """
    done = subprocess.run(["pulumi", "stack", "output", "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the stack's outputs cannot be read: {done.stderr.strip()}")
    try:
        return parse_outputs(json.loads(done.stdout))
    except KeyError as missing:
        sys.exit(f"the selected stack has no output {missing}: run `make up` first")


def service_account_token(namespace: str, name: str, audience: str) -> str:
    """A token of this service account for this audience, valid for ten minutes."""
    kubeconfig.load_kube_config()  # pyright: ignore[reportUnknownMemberType] - the package has no types
    request = kubernetes.AuthenticationV1TokenRequest(
        spec=kubernetes.V1TokenRequestSpec(audiences=[audience], expiration_seconds=TOKEN_SECONDS)
    )
    answer: Any = kubernetes.CoreV1Api().create_namespaced_service_account_token(name, namespace, request)
    return str(answer.status.token)
