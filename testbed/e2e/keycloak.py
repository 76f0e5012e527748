"""A company's Keycloak in the embedded cluster, and its administration API.

Test equipment: the realm, its client and its people are in `rehearsals/keycloak/`.
"""

import datetime as dt
import http.client
import json
import secrets
import socket
import ssl
import urllib.parse
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e.commands import wait_for
from testbed.e2e.kube import kubectl, wait_for_pods

FOLDER = Path(__file__).with_name("rehearsals") / "keycloak"
NAMESPACE = "keycloak"
HOST = "keycloak.mlflow.localhost"
REALM = "company"
ISSUER = f"https://{HOST}/realms/{REALM}"
SEED = b"the identity provider's own authority"
AUTHORITY = authority_certificate(SEED, HOST)
ISSUED = dt.date(2026, 11, 1)
# Measured: 25 s on two idle cores, 62 s on busy ones.
START_SECONDS = 300
ROUTE_SECONDS = 60
TIMEOUT_SECONDS = 60
# An administrator's token is valid for a minute, unless the realm says otherwise.
TOKEN_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Keycloak:
    """A running Keycloak."""

    password: str = field(repr=False)
    """Password of its administrator, `admin`."""

    token: str = field(repr=False)
    """Access token for the administration API."""

    @classmethod
    def of(cls, password: str) -> "Keycloak":
        """The running Keycloak, with a token that is valid for an hour."""
        first = _administrators_token(password)
        _send("PUT", "/admin/realms/master", _json(first), json.dumps({"accessTokenLifespan": TOKEN_SECONDS}).encode())
        return cls(password=password, token=_administrators_token(password))

    def realm(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Ask the administration API about the realm."""
        body = b"" if document is None else json.dumps(document).encode()
        return _send(method, f"/admin/realms/{REALM}{path}", _json(self.token), body)

    def user(self, name: str) -> str:
        """Id of a user."""
        (found,) = self.realm("GET", f"/users?exact=true&username={name}")
        return found["id"]

    def set_password(self, name: str) -> str:
        """Give a user a new password."""
        password = secrets.token_urlsafe()
        new = {"type": "password", "value": password, "temporary": False}
        self.realm("PUT", f"/users/{self.user(name)}/reset-password", new)
        return password

    def set_groups(self, name: str, *groups: str) -> None:
        """Make a user a member of these groups and of no other."""
        user, known = self.user(name), {one["name"]: one["id"] for one in self.realm("GET", "/groups")}
        for one in self.realm("GET", f"/users/{user}/groups"):
            self.realm("DELETE", f"/users/{user}/groups/{one['id']}")
        for group in groups:
            self.realm("PUT", f"/users/{user}/groups/{known[group]}")

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Disable a user, or enable them again."""
        self.realm("PUT", f"/users/{self.user(name)}", {"enabled": enabled})

    def sessions(self, name: str) -> list[dict[str, Any]]:
        """A user's sessions at Keycloak."""
        return self.realm("GET", f"/users/{self.user(name)}/sessions")

    def events(self, *kinds: str) -> list[str]:
        """Kind of each event of these kinds, the latest first. Events about refusals name no user."""
        query = "&".join(f"type={kind}" for kind in kinds)
        return [one["type"] for one in self.realm("GET", f"/events?{query}")]

    def forget_events(self) -> None:
        """Delete all events."""
        self.realm("DELETE", "/events")


class RefusedError(AssertionError):
    """Keycloak has refused a request."""


def tokens(realm: str, **form: str) -> dict[str, Any]:
    """Tokens from a realm's token endpoint.

    Raises:
        RefusedError: Keycloak gives no tokens; the message has its answer.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(form).encode()
    return _send("POST", f"/realms/{realm}/protocol/openid-connect/token", headers, body)


def _administrators_token(password: str) -> str:
    form = {"client_id": "admin-cli", "grant_type": "password", "username": "admin", "password": password}
    return tokens("master", **form)["access_token"]


def _json(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _answers() -> bool:
    """True if the ingress controller knows Keycloak and its certificate."""
    with suppress(OSError, RefusedError):
        return bool(_send("GET", "/realms/master", {}, b""))
    return False


def _send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:  # noqa: ANN401 - any JSON
    trust = ssl.create_default_context(cadata=AUTHORITY)
    connection = http.client.HTTPSConnection(HOST, timeout=TIMEOUT_SECONDS)
    # The machine knows the name only in browsers, which take every name under .localhost for it.
    plain = socket.create_connection(("127.0.0.1", connection.port), timeout=TIMEOUT_SECONDS)
    connection.sock = trust.wrap_socket(plain, server_hostname=HOST)
    try:
        connection.request(method, path, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise RefusedError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
    return json.loads(content) if content else None


@contextmanager
def running() -> Generator[Keycloak]:
    """Run Keycloak, without a realm for people."""
    remove()
    password = secrets.token_urlsafe()
    pair = self_signed(SEED, HOST, ISSUED)
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": label}})
    for name, kind, values in (
        ("administrator", "Opaque", {"password": password}),
        ("certificate", "kubernetes.io/tls", {"tls.crt": pair.certificate, "tls.key": pair.key}),
    ):
        metadata = {"name": name, "namespace": NAMESPACE}
        _apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": values})
    kubectl("apply", f"--filename={FOLDER / 'objects.yaml'}")
    try:
        wait_for_pods(NAMESPACE, seconds=START_SECONDS)
        wait_for("Keycloak answers through the ingress controller", _answers, seconds=ROUTE_SECONDS)
        yield Keycloak.of(password)
    finally:
        remove()


def remove() -> None:
    """Remove Keycloak, also one that a killed run has left."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=120)


def _apply(document: object) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))
