"""People at a command line: ID tokens of the development identity provider."""

import json

from testbed.e2e import kube
from testbed.e2e.commands import run
from testbed.e2e.web import Site
from tools.stack import Platform


def id_token(site: Site, platform: Platform, user: str) -> str:
    """ID token of a development user."""
    passwords = json.loads(run("pulumi", "stack", "output", "passwords", "--show-secrets", "--json").stdout)
    secret = kube.login_secret(platform.namespace, "client-secret")
    return site.id_token(client_secret=secret, user=user, password=passwords[user])
