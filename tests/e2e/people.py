"""People at a command line: ID tokens of the development identity provider."""

import base64
import json

from tests.e2e import kube
from tests.e2e.commands import run
from tests.e2e.web import Site
from tools.stack import Platform


def id_token(site: Site, platform: Platform, user: str) -> str:
    """What the identity provider says of a development user, signed."""
    passwords = json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)
    secrets = [
        base64.b64decode(secret["data"]["client-secret"]).decode()
        for secret in kube.objects("secrets", f"--namespace={platform.namespace}")
        if "client-secret" in secret.get("data", {})
    ]
    assert len(secrets) == 1, "one Secret of the login holds the client's secret"
    return site.id_token(client_secret=secrets[0], user=user, password=passwords[user])
