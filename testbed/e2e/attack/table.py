"""The expected permissions in routes.yaml, and whether they cover the server's route table."""

import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode

import yaml

ROUTES = Path(__file__).with_name("routes.yaml")
# The pages' own forms of the API; each has its own entry in the server's table.
REST, PAGES = "/api/", "/ajax-api/"
JSON_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request, ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def text(self) -> str:
        """All texts that the caller has sent: an answer that repeats them leaks nothing."""
        return " ".join((self.path, *self.headers.values(), self.body.decode()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One request, for which a route must check the caller's rights."""

    family: str
    method: str
    path: str
    needs: tuple[str, ...]
    answers: int = HTTPStatus.OK
    copied: int | None = None
    disabled: str | None = None
    """The group of routes that it belongs to, if the server does not serve it."""

    parts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    again: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values with which a generated attack sends the request first, to have objects of its own."""

    @property
    def collects(self) -> bool:
        """True if the answer is a collection, which may be empty instead of refused."""
        return any(need.startswith("list ") for need in self.needs)

    @property
    def names_objects(self) -> bool:
        """True if it names an existing object."""
        return bool(self.objects() - {"fresh", "fresh_hex", "scorer_code", "workspace"})

    def objects(self) -> set[str]:
        """Names of the objects that it mentions."""
        text = json.dumps(self.parts)
        found = string.Template.pattern.finditer(text)
        return {name for match in found if (name := match["named"] or match["braced"])}

    def request(self, values: Mapping[str, str], *, pages: bool = False) -> Request:
        """The request to the objects of a workspace, in the form of the REST API or of the pages."""
        parts = fill(self.parts, values)
        path = self.path.replace(REST, PAGES, 1) if pages else self.path
        for name, value in parts.get("path", {}).items():
            path = path.replace(f"<path:{name}>", quote(str(value))).replace(f"<{name}>", quote(str(value), safe=""))
        if query := parts.get("query"):
            path = f"{path}?{urlencode(query, doseq=True)}"
        if "content" in parts:
            body, headers = str(parts["content"]).encode(), {}
        elif "body" in parts:
            body, headers = json.dumps(parts["body"]).encode(), JSON_HEADERS
        else:
            body, headers = b"", {}
        return Request(method=self.method, path=path, headers={**headers, **parts.get("headers", {})}, body=body)


def fill(part: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML
    """The request with every $NAME replaced."""
    if isinstance(part, str):
        return string.Template(part).substitute(values)
    if isinstance(part, dict):
        return {key: fill(item, values) for key, item in cast("dict[str, Any]", part).items()}
    if isinstance(part, list):
        return [fill(item, values) for item in cast("list[Any]", part)]
    return part


def read(text: str) -> list[Entry]:
    """The entries of a table, in its order."""
    return [
        _entry(family, route, request)
        for family, routes in yaml.safe_load(text).items()
        for route, described in routes.items()
        for request in described.get("requests", [described])
    ]


def _entry(family: str, route: str, described: dict[str, Any]) -> Entry:
    method, path = route.split(" ", 1)
    needs = cast("str | list[str]", described["needs"])
    return Entry(
        family=family,
        method=method,
        path=path,
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        answers=described.get("answers", HTTPStatus.OK),
        copied=described.get("copied"),
        disabled=described.get("disabled"),
        again=described.get("again", {}),
        parts={key: described[key] for key in ("path", "query", "headers", "body", "content") if key in described},
    )


def forms(entry: Entry, routes: set[str]) -> Iterator[tuple[str, bool]]:
    """The routes of the server that an entry speaks for, and whether each is the pages' form."""
    if (own := f"{entry.method} {entry.path}") in routes:
        yield own, False
    if entry.path.startswith(REST) and (twin := own.replace(REST, PAGES, 1)) in routes:
        yield twin, True


def gaps(entries: list[Entry], routes: set[str]) -> list[str]:
    """Differences between the table and the server's routes: untested routes, and entries for removed routes."""
    claimed = {route for entry in entries for route, _ in forms(entry, routes)}
    untested = [f"untested route: {route}" for route in sorted(routes - claimed)]
    gone = [f"no such route: {entry.method} {entry.path}" for entry in entries if not list(forms(entry, routes))]
    return untested + gone
