"""Requests to the platform's public address, one at a time and without following redirects."""

import base64
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.stack import Platform

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of the platform."""

    status: int
    headers: dict[str, str] = field(repr=False)
    """Headers by name in lower case."""

    body: bytes = field(repr=False)

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The platform's addresses, for a client that trusts only the platform's CA."""

    host: str
    path: str
    """URL path of the platform on its host: empty, or beginning with a slash."""

    trust: ssl.SSLContext = field(repr=False)

    @classmethod
    def of(cls, platform: Platform) -> "Site":
        """The site of a deployed platform."""
        address = urllib.parse.urlsplit(platform.url)
        return cls(
            host=address.netloc,
            path=address.path,
            trust=ssl.create_default_context(cadata=platform.authority),
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        workspace: str = "",
        headers: Mapping[str, str] | None = None,
        document: object = None,
        content: bytes = b"",
    ) -> Answer:
        """Send one request to a path of MLflow's, with a `document` as JSON or with any `content`."""
        sent = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({"X-MLFLOW-WORKSPACE": workspace} if workspace else {}),
            **({"Content-Type": "application/json"} if document is not None else {}),
            **(headers or {}),
        }
        body = content if document is None else json.dumps(document).encode()
        return self._send(self.host, method, self.path + path, sent, body)

    def id_token(self, *, client_secret: str, user: str, password: str) -> str:
        """Get an ID token from the development identity provider by name and password, without a browser."""
        form = {
            "grant_type": "password",
            "username": user,
            "password": password,
            "scope": "openid email groups profile",
        }
        credentials = urllib.parse.quote("mlflow") + ":" + urllib.parse.quote(client_secret)
        headers = {
            "Authorization": "Basic " + base64.b64encode(credentials.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._send(f"dex.{self.host}", "POST", "/token", headers, urllib.parse.urlencode(form).encode())
        assert answer.status == http.client.OK, f"dex answered {answer.status}: {answer.body!r}"
        return answer.json()["id_token"]

    def _send(self, host: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPSConnection(host, timeout=TIMEOUT_SECONDS, context=self.trust)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers))
            got = connection.getresponse()
            named = {name.lower(): value for name, value in got.getheaders()}
            return Answer(status=got.status, headers=named, body=got.read())
        finally:
            connection.close()
