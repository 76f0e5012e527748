"""Objects of the cluster, read with the caller's own rights; what is refused becomes an `Unseen`."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client as kubernetes
from kubernetes import config as kubeconfig
from kubernetes.client.rest import RESTClientObject

from tools.doctor.collect.kinds import KINDS, METADATA_ONLY, kept, path
from tools.doctor.facts import Expected, Object, Unseen

CONNECT_SECONDS, READ_SECONDS = 5, 8
PARALLEL = 8
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """Objects to read: all of a kind in a namespace, or one by its name."""

    kind: str
    namespace: str = ""
    name: str = ""
    query: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    """True if the diagnosis does not need these objects."""


class RefusedError(Exception):
    """The API server has refused a request or has not answered; the message says which of the two."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def needs(self, right: str) -> str:
        """The missing right, the missing answer, or otherwise the API server's message, for reports."""
        if self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return f"the right to {right}"
        return str(self) if self.status else f"an answer of the API server within {READ_SECONDS} s"


class Cluster:
    """The API server of a context of the kubeconfig, by default the current one, with the caller's own credential."""

    def __init__(self, context: str | None = None) -> None:
        kubeconfig.load_kube_config(context=context)  # pyright: ignore[reportUnknownMemberType] - the package has no types
        self._configuration: Any = kubernetes.Configuration.get_default_copy()
        self._configuration.connection_pool_maxsize = PARALLEL
        self._pool: Any = RESTClientObject(self._configuration).pool_manager

    def send(
        self, method: str, path: str, *, accept: str = JSON, document: Mapping[str, Any] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request.

        Raises:
            RefusedError: no answer, or an answer that is an error.
        """
        token = self._configuration.auth_settings().get("BearerToken", {}).get("value")
        headers = {"accept": accept, "content-type": JSON} | ({"authorization": token} if token else {})
        body = None if document is None else json.dumps(document)
        try:
            answer = self._once(method, path, headers, body)
        except (urllib3.exceptions.HTTPError, OSError):
            # A busy API server accepts some connections late.
            try:
                answer = self._once(method, path, headers, body)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RefusedError(0, f"{type(error).__name__}: {error}") from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(answer.status, _message(answer))
        return answer

    def _once(self, method: str, path: str, headers: Mapping[str, str], body: str | None) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        url = f"{self._configuration.host}{path}"
        return self._pool.request(method, url, headers=headers, body=body, timeout=timeout, retries=False)

    def clock(self) -> dict[str, float]:
        """Seconds by which this machine's clock is ahead of the API server's, from the header of an answer."""
        date = self.send("GET", "/version").headers.get("Date")
        return {} if date is None else {"skew": time.time() - parsedate_to_datetime(date).timestamp()}

    def read(self, one: Read) -> list[dict[str, Any]]:
        """The objects, without the parts that no chapter looks at.

        Raises:
            RefusedError: they cannot be read; those that do not exist are no error.
        """
        accept = METADATA.format("" if one.name else "List") if one.kind in METADATA_ONLY else JSON
        query = f"?{urlencode(one.query)}" if one.query else ""
        try:
            found = self.send("GET", path(one.kind, one.namespace, one.name) + query, accept=accept).json()
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        objects: list[Object] = [found] if one.name else found["items"]
        return [trimmed for each in objects if (trimmed := kept(one.kind, each)) is not None]


def _message(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json().get("message", answer.status))
    except (ValueError, AttributeError):
        return f"status {answer.status}"


def reads(expected: Iterable[Expected], platform: str = "") -> list[Read]:
    """Reads of the deployed objects, and of everything that runs in the platform's namespace, if there is one."""
    found: dict[tuple[str, str, str], Read] = {}
    for one in expected:
        if one.kind in KINDS:
            # Objects of the whole cluster are asked for one by one: this needs fewer rights than a list.
            name = "" if one.namespace else one.name
            found[one.kind, one.namespace, name] = Read(kind=one.kind, namespace=one.namespace, name=name)
    if not platform:
        return list(found.values())
    found["Namespace", "", platform] = Read(kind="Namespace", name=platform)
    for kind in ("Pod", "Deployment", "StatefulSet"):
        found[kind, platform, ""] = Read(kind=kind, namespace=platform)
    warnings = (("fieldSelector", "type=Warning"), ("limit", "500"))
    found["Event", platform, ""] = Read(kind="Event", namespace=platform, query=warnings, optional=True)
    return list(found.values())


def read_all(cluster: Cluster, plan: Sequence[Read]) -> tuple[list[dict[str, Any]], list[Unseen]]:
    """The objects of all reads, and what could not be read."""
    objects: list[dict[str, Any]] = []
    unseen: list[Unseen] = []

    def attempt(one: Read) -> tuple[list[dict[str, Any]], Unseen | None]:
        try:
            return cluster.read(one), None
        except RefusedError as error:
            return [], _unseen(one, error)

    with ThreadPoolExecutor(PARALLEL) as pool:
        for found, missing in pool.map(attempt, plan):
            objects += found
            if missing is not None:
                unseen.append(missing)
    return objects, unseen


def _unseen(one: Read, error: RefusedError) -> Unseen:
    plural = KINDS[one.kind][1]
    where = f" in namespace {one.namespace}" if one.namespace else ""
    verb, what = ("get", f"{one.kind} {one.name}") if one.name else ("list", plural)
    return Unseen(
        what=f"{what}{where}",
        needs=error.needs(f"{verb} {plural}{where}"),
        kind=one.kind,
        namespace=one.namespace,
        name=one.name,
        optional=one.optional,
    )
