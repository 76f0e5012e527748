"""Job script that checks whether the team's pods can use a tracking server, with the credentials of their MLflow client.

A failure ends the deployment; the last line of the log is one sentence that says what is wrong and what to do.
"""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import client_version

# NetworkPolicies take effect some seconds after the start of a pod, and a server may be restarting.
PATIENCE_SECONDS = 30
TIMEOUT_SECONDS = 10
LONGEST_QUOTE = 160
SEARCH = "/api/2.0/mlflow/experiments/search"
TOKENS = ("MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN")
USERNAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


class UnusableError(Exception):
    """The server cannot be used; the message is the sentence for the user."""


class UnreachableError(UnusableError):
    """The server cannot be reached now; trying again may help."""


@dataclass(frozen=True)
class Answer:
    """An answer of the server."""

    status: int
    text: str
    location: str

    @property
    def quote(self) -> str:
        """The beginning of the body, for a message; empty for pages."""
        said = " ".join(self.text.split())
        return "" if said.startswith("<") or not said else f" ({said[:LONGEST_QUOTE]})"


@dataclass(frozen=True)
class Server:
    """The tracking server, and how to sign in to it."""

    url: str
    authorization: str | None
    authority: str | None
    """Path of a file with the CA certificates that are trusted; None means the public ones of the image."""

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """Send one request, and read the answer.

        Raises:
            UnusableError: there is no answer.
        """
        parts = urlsplit(self.url)
        connection = self._connection(parts.scheme, self._address(parts.hostname, parts.port), parts.port)
        headers = {"Content-Type": "application/json", "User-Agent": "mlflow-platform-check"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, parts.path.rstrip("/") + path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read(65536).decode(errors="replace")
        except ConnectionRefusedError:
            raise UnreachableError(
                f"connection refused: nothing listens at {self.url}; check host and port in the stack file, and that the"
                " server runs"
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise UnusableError(
                f"the certificate of {self.url} is not trusted ({error.verify_message}); set cluster.authorities to the"
                " certificate of the CA that signed it, and use a host name that is in it"
            ) from None
        except ssl.SSLError as error:
            raise UnusableError(
                f"{self.url} does not answer with TLS ({error.reason}); check port and scheme in the stack file"
            ) from None
        except TimeoutError:
            raise UnreachableError(
                f"no answer from {self.url} within {TIMEOUT_SECONDS} seconds; check that server.addresses lists the"
                " server's addresses, and that firewalls admit the cluster"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"the connection to {self.url} failed ({error}); check host, port and scheme in the stack file"
            ) from None
        finally:
            connection.close()
        return Answer(answer.status, text, answer.getheader("Location") or "")

    def _address(self, host: str, port: int | None) -> str:
        try:
            socket.getaddrinfo(host, port)
        except socket.gaierror as error:
            raise UnreachableError(
                f"the host name {host} has no address in the cluster's DNS ({error.strerror}); check the URL in the stack"
                " file"
            ) from None
        return host

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        trust = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=trust)


def authorization(variables: dict[str, str]) -> str | None:
    """Value of the header `Authorization` that the MLflow client sends with these environment variables."""
    if variables.get(USERNAME) and variables.get(PASSWORD):
        pair = f"{variables[USERNAME]}:{variables[PASSWORD]}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    for name in TOKENS:
        if variables.get(name):
            return f"Bearer {variables[name]}"
    return None


def check(server: Server, client: str | None, *, databricks: bool) -> str:
    """Check the server; returns a sentence that says what was found.

    Raises:
        UnusableError: the server cannot be used.
    """
    if databricks:
        answer = admitted(server, server.ask("POST", SEARCH, {"max_results": 1}), SEARCH)
        if answer.status != http.client.OK or not answer.text.lstrip().startswith("{"):
            raise UnusableError(not_mlflow(server, SEARCH, answer, "a Databricks workspace with MLflow"))
        return f"MLflow of the Databricks workspace {server.url} answers with these credentials"
    health = admitted(server, server.ask("GET", "/health"), "/health")
    if health.status != http.client.OK:
        raise UnusableError(not_mlflow(server, "/health", health))
    found = admitted(server, server.ask("GET", "/version"), "/version")
    version = found.text.strip()
    if found.status != http.client.OK or not re.fullmatch(r"\d+\.\d+\.[\w.+-]+", version):
        raise UnusableError(not_mlflow(server, "/version", found))
    searched = admitted(server, server.ask("POST", SEARCH, {"max_results": 1}), SEARCH)
    if searched.status != http.client.OK or not searched.text.lstrip().startswith("{"):
        raise UnusableError(not_mlflow(server, SEARCH, searched))
    if client and (misfit := client_version.misfit(client, version)):
        raise UnusableError(f"{misfit}, or upgrade {server.url}")
    fits = f", which fits to the client {client}," if client else ""
    return f"MLflow {version} at {server.url}{fits} answers with these credentials"


def admitted(server: Server, answer: Answer, path: str) -> Answer:
    """The answer, if the server has accepted the credentials.

    Raises:
        UnusableError: the server has not.
    """
    given = "the credentials" if server.authorization else "a request without credentials"
    if answer.status == http.client.UNAUTHORIZED:
        raise UnusableError(
            f"{server.url} does not accept {given} (401 for {path}); correct user name, password or token, and run `up`"
            " again"
        )
    if answer.status == http.client.FORBIDDEN:
        raise UnusableError(
            f"{server.url} refuses {given} (403 for {path}){answer.quote}; ask its operator for access, or use other"
            " credentials"
        )
    if http.client.MULTIPLE_CHOICES <= answer.status < http.client.BAD_REQUEST:
        target = urlsplit(answer.location).netloc or "another page"
        raise UnusableError(
            f"{server.url} redirects {path} to {target}, as for people who have to sign in; correct the URL, or use"
            " credentials that it accepts from programs"
        )
    return answer


def not_mlflow(server: Server, path: str, answer: Answer, what: str = "an MLflow tracking server") -> str:
    """Sentence about an answer that an MLflow server would not give."""
    return (
        f"{server.url} is not {what}: it answers {path} with status {answer.status}{answer.quote}; correct the URL in the"
        " stack file"
    )


def missing(variables: dict[str, str], *, databricks: bool) -> str | None:
    """Sentence about a Secret without credentials; None if it has some, or the team has no Secret."""
    secret = variables.get("SECRET_NAME")
    if not secret or authorization(variables):
        return None
    keys = "DATABRICKS_TOKEN" if databricks else f"{USERNAME} and {PASSWORD}, or MLFLOW_TRACKING_TOKEN"
    return (
        f"the Secret {secret} in the namespace {variables.get('NAMESPACE')} does not exist or lacks the keys {keys}; create"
        " it with `kubectl create secret generic`, and run `up` again"
    )


def main() -> None:
    variables = dict(os.environ)
    databricks = variables.get("DATABRICKS") == "true"
    if sentence := missing(variables, databricks=databricks):
        sys.exit(sentence)
    server = Server(
        url=variables["TRACKING_URL"],
        authorization=authorization(variables),
        authority=variables.get("AUTHORITY_FILE"),
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            print(check(server, variables.get("CLIENT_VERSION"), databricks=databricks))
        except UnreachableError as error:
            if time.monotonic() > end:
                sys.exit(str(error))
            time.sleep(1)
        except UnusableError as error:
            sys.exit(str(error))
        else:
            return


if __name__ == "__main__":
    main()
