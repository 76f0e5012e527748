"""A connection to the platform that stays open for many requests, like that of a busy client."""

import http.client
import ssl

from testbed.e2e.attack.table import Request
from testbed.e2e.attack.verdict import Answer
from testbed.e2e.web import TIMEOUT_SECONDS, Site


class Line:
    """One connection, on which requests are sent one after the other; redirects are not followed."""

    def __init__(self, site: Site) -> None:
        """A line to the platform's host name."""
        self._path = site.path
        self._connection = http.client.HTTPSConnection(site.host, timeout=TIMEOUT_SECONDS, context=site.trust)

    def send(self, request: Request, *, token: str = "", workspace: str = "") -> Answer:
        """Send a request as somebody, to a workspace."""
        headers = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({"X-MLFLOW-WORKSPACE": workspace} if workspace else {}),
            **request.headers,
        }
        try:
            got = self._exchange(request, headers)
        except (http.client.HTTPException, ConnectionError, ssl.SSLError):
            # The other end has closed it meanwhile.
            self._connection.close()
            got = self._exchange(request, headers)
        body = got.read().decode(errors="replace")
        named = "\n".join(f"{name}: {value}" for name, value in got.getheaders())
        return Answer(status=got.status, text=f"{named}\n\n{body}", body=body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, request: Request, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._connection.request(request.method, self._path + request.path, body=request.body or None, headers=headers)
        return self._connection.getresponse()
