"""`Api`: the API server, asked with the caller's own rights and until a deadline."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from tools.doctor.collect.cluster import METADATA, Cluster, RefusedError
from tools.doctor.facts import Object, Unseen

JSON = "application/json"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
DRY_RUN = "dryRun=All"

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Something that `up` needs and the cluster does not have."""

    subject: str
    what: str
    """The lack and its consequence, in one sentence."""

    remedy: str
    """The setting to change, or the software to install."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Information that does not stop an `up`."""

    what: str


Found = Missing | Note | Unseen


class UnseenError(Exception):
    """The API server does not answer a question, or refuses to."""

    def __init__(self, unseen: Unseen) -> None:
        super().__init__(unseen.what)
        self.unseen = unseen


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of objects that the API server has."""

    base: str
    """API path of the kind's group and version."""

    group: str
    plural: str
    namespaced: bool

    def path(self, name: str = "", namespace: str = "") -> str:
        """API path of one object, or of all objects of the kind."""
        space = f"/namespaces/{namespace}" if namespace else ""
        return f"{self.base}{space}/{self.plural}{f'/{name}' if name else ''}"


class Api:
    """The API server; a question that it does not answer, or not before the deadline, is an `UnseenError`."""

    def __init__(self, cluster: Cluster, seconds: float) -> None:
        self._cluster = cluster
        self._end = time.monotonic() + seconds
        self._kinds: dict[str, Mapping[str, Kind] | UnseenError] = {}

    def send(
        self, method: str, path: str, *, what: str, right: str, document: Object | None = None, accept: str = JSON
    ) -> Any:  # noqa: ANN401 - any JSON
        """Send a request; returns the answer.

        Raises:
            RefusedError: the API server refuses the request for another reason than rights.
            UnseenError: there is no answer, or the caller lacks the right.
        """
        if time.monotonic() > self._end:
            raise UnseenError(Unseen(what=what, needs="more time: the API server answers slowly"))
        try:
            return self._cluster.send(method, path, document=document, accept=accept).json()
        except RefusedError as error:
            if error.status in {0, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise UnseenError(Unseen(what=what, needs=error.needs(right))) from None
            raise

    def find(self, path: str, what: str, right: str, *, accept: str = JSON) -> Object | None:
        """Document at a path; None if there is nothing.

        Raises:
            UnseenError: it cannot be read.
        """
        try:
            return self.send("GET", path, what=what, right=right, accept=accept)
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise UnseenError(Unseen(what=what, needs=str(error))) from None

    def exists(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Metadata of an object; None if it does not exist.

        Raises:
            UnseenError: it cannot be read.
        """
        where = f" in namespace {namespace}" if namespace else ""
        what = f"{kind.plural}/{name}{where}"
        return self.find(kind.path(name, namespace), what, f"get {what}", accept=METADATA.format(""))

    def every(self, path: str, plural: str, where: str = "") -> Sequence[Object]:
        """All objects at a path; none if the kind does not exist.

        Raises:
            UnseenError: they cannot be read.
        """
        found = self.find(path, f"{plural}{where}", f"list {plural}{where}")
        return [] if found is None else found["items"]

    def kind(self, api_version: str, kind: str) -> Kind | None:
        """A kind; None if the cluster does not have it.

        Raises:
            UnseenError: the kinds of this group cannot be read.
        """
        if api_version not in self._kinds:
            try:
                self._kinds[api_version] = self._discovered(api_version)
            except UnseenError as error:
                self._kinds[api_version] = error
        found = self._kinds[api_version]
        if isinstance(found, UnseenError):
            raise UnseenError(found.unseen)
        return found.get(kind)

    def _discovered(self, api_version: str) -> Mapping[str, Kind]:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        found = self.find(base, f"the kinds of {api_version}", f"get {base}") or {"resources": []}
        return {
            one["kind"]: Kind(
                base=base,
                group=api_version.rpartition("/")[0],
                plural=one["name"],
                namespaced=one["namespaced"],
            )
            for one in found["resources"]
            if "/" not in one["name"]
        }

    def allows(self, attributes: Mapping[str, str]) -> bool:
        """True if the caller may do what the attributes of a SelfSubjectAccessReview say.

        Raises:
            UnseenError: the API server does not say.
        """
        what = "your rights"
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": dict(attributes)},
        }
        try:
            answer = self.send("POST", REVIEWS, what=what, right="create selfsubjectaccessreviews", document=review)
        except RefusedError as error:
            raise UnseenError(Unseen(what=what, needs=str(error))) from None
        return bool(answer["status"].get("allowed"))


def each(items: Iterable[Item], judge: Callable[[Item], Iterator[Found]]) -> Iterator[Found]:
    """The findings about every item; an unanswered question about one item does not stop the others."""
    for one in items:
        try:
            yield from judge(one)
        except UnseenError as error:
            yield error.unseen
