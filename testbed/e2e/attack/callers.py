"""The callers of the attack matrix: people with tokens of the identity provider, and service accounts."""

import json
from collections.abc import Generator
from contextlib import contextmanager

from components.team.permissions import PROGRAM_VERBS, RESOURCES, VERBS
from testbed.e2e import kube
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.people import id_token
from testbed.e2e.web import Site
from tools.stack import Platform

RBAC = "rbac.authorization.k8s.io"
# The pages ask for it, and the gateway is off.
GATEWAY = "create gatewayendpoints/use"
VALID_FOR = "8h"
PEOPLE = {"manager": "alice@example.com", "other manager": "bob@example.com", "stranger": "carol@example.com"}


def rights(*verbs: str) -> frozenset[str]:
    """Permissions of a role with these verbs."""
    return frozenset(f"{verb} {resource}" for verb in verbs for resource in RESOURCES)


@contextmanager
def callers(site: Site, platform: Platform) -> Generator[dict[str, Caller]]:
    """All callers by name, with service accounts for a team's roles, which exist until the block ends."""
    team, other = platform.teams["team-a"], platform.teams["team-b"]

    def person(name: str, workspace: str, granted: frozenset[str]) -> Caller:
        token = id_token(site, platform, PEOPLE[name])
        return Caller(name=name, token=token, workspace=workspace, rights=granted)

    def account(name: str, account: str, granted: frozenset[str]) -> Caller:
        # All generated attacks take more than the hour that a token is valid by default.
        token = kube.token(team.namespace, account, "--audience=mlflow", f"--duration={VALID_FOR}")
        return Caller(name=name, token=token, workspace=team.namespace, rights=granted)

    stand_ins = [document for role in ("editor", "viewer") for document in _stand_in(team.namespace, role)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": stand_ins})
    kube.kubectl("apply", "--filename=-", stdin=manifest)
    try:
        everybody = [
            person("manager", team.namespace, rights(*VERBS["manager"]) | {GATEWAY}),
            account("editor", "attack-editor", rights(*VERBS["editor"])),
            account("viewer", "attack-viewer", rights(*VERBS["viewer"])),
            account("program", team.service_account, rights(*PROGRAM_VERBS)),
            person("other manager", other.namespace, rights(*VERBS["manager"]) | {GATEWAY}),
            person("stranger", team.namespace, frozenset()),
            Caller(name="nobody", token="", workspace=team.namespace, rights=frozenset()),
        ]
        yield {caller.name: caller for caller in everybody}
    finally:
        kube.kubectl("delete", "--filename=-", "--ignore-not-found", stdin=manifest)


def _stand_in(namespace: str, role: str) -> list[kube.Object]:
    """A service account with a role of the team, in place of a person whose group has this role."""
    name = f"attack-{role}"
    metadata = {"name": name, "namespace": namespace}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": f"mlflow-{role}"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]
