"""The list of routes that the server offers, and the ASGI layer that answers 404 to everything else.

The list, routes.toml, has every route of the MLflow release that it was written for, and the platform's own. The layer
compares a request with it before anything else reads the request: nothing is decoded, normalised or redirected. A path
that differs from its template by as much as a slash, an escaped letter or a capital is not on the list.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlflow_platform_server import answers
from mlflow_platform_server.asgi import App, Message, Receive, Send
from mlflow_platform_server.scope import facts

FILE = Path(__file__).with_name("routes.toml")
REST, PAGES = "/api/", "/ajax-api/"

# One character of a parameter. An escaped slash or backslash would be a separator for whoever decodes the path, and no
# name has control characters.
_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@|^\[\]-]|%(?!2[Ff]|5[Cc]|[01]|7[Ff])[0-9A-Fa-f]{2})"
# No `.` and `..`, also if escaped or followed by a path parameter.
_SEGMENT = rf"(?!(?:\.|%2[Ee]){{1,2}}(?:;|%3[Bb]|/|\Z)){_CHARACTER}+"
# Three times what a key in S3 may have, for those that are escaped, and the rest of the path.
PATH_BYTES = 4096
_PARAMETER = re.compile(r"<(path:)?\w+>")


class RoutesError(ValueError):
    """A list of routes, or a list of features, that contradicts itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Routes with the same verdict."""

    kind: str
    """`core`, `features`, `never` or `own`."""

    name: str
    reason: str
    routes: tuple[str, ...]
    """`METHOD PATH`. A path below `/api/` includes the same path below `/ajax-api/`, which MLflow's pages request."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteList:
    """The reviewed routes of an MLflow release."""

    mlflow: str
    """The release, such as `3.17`."""

    groups: tuple[Group, ...]
    patterns: Mapping[str, str]
    """Regular expressions by path template, used instead of those that are derived from the templates."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the groups of routes that can be switched on."""
        return tuple(group.name for group in self.groups if group.kind == "features")

    @property
    def own(self) -> frozenset[str]:
        """The platform's own routes, which MLflow does not have."""
        return frozenset(route for group in self.groups if group.kind == "own" for route in group.routes)

    def all(self) -> Iterator[str]:
        """Every route, offered or not."""
        for group in self.groups:
            yield from group.routes

    def offered(self, features: Collection[str]) -> Iterator[str]:
        """The routes that are served with these features on.

        Raises:
            RoutesError: there is no such feature.
        """
        if unknown := sorted(set(features).difference(self.features)):
            message = f"Unknown in server.features: {', '.join(unknown)}. Expected: {', '.join(self.features)}."
            raise RoutesError(message)
        for group in self.groups:
            if group.kind in {"core", "own"} or (group.kind == "features" and group.name in features):
                yield from group.routes


def read(text: str) -> RouteList:
    """Read a list of routes.

    Raises:
        RoutesError: a route is listed twice.
    """
    document: dict[str, Any] = tomllib.loads(text)
    groups = tuple(
        Group(kind=kind, name=name, reason=group["reason"], routes=tuple(_with_pages(group["routes"])))
        for kind in ("core", "features", "never", "own")
        for name, group in document.get(kind, {}).items()
    )
    routes = RouteList(mlflow=document["mlflow"], groups=groups, patterns=document["patterns"])
    listed = list(routes.all())
    if twice := sorted({route for route in listed if listed.count(route) > 1}):
        message = f"Listed twice: {', '.join(twice)}."
        raise RoutesError(message)
    return routes


def _with_pages(routes: Iterable[str]) -> Iterator[str]:
    for route in routes:
        yield route
        method, path = route.split(" ", 1)
        if path.startswith(REST):
            yield f"{method} {path.replace(REST, PAGES, 1)}"


def differences(judged: RouteList, served: Collection[str]) -> list[str]:
    """Routes that MLflow serves and the list lacks, and the other way around."""
    listed = set(judged.all())
    new = [f"not on the list: {route}" for route in sorted(set(served) - listed)]
    return new + [f"does not exist: {route}" for route in sorted(listed.difference(served, judged.own))]


def older(version: str, release: str) -> bool:
    """True if an MLflow version, such as `3.16.1`, comes before a release, such as `3.17`."""
    return _numbers(version) < _numbers(release)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def chosen(text: str) -> frozenset[str]:
    """Names in a comma-separated list, such as the value of MLFLOW_PLATFORM_FEATURES."""
    return frozenset(name for part in text.split(",") if (name := part.strip()))


class Matcher:
    """Finds the route of a request among those that are offered."""

    def __init__(self, routes: RouteList, features: Collection[str] = ()) -> None:
        """Compile the paths' templates.

        Raises:
            RoutesError: there is no such feature.
        """
        self._offered = frozenset(routes.offered(features))
        # All of them: `search` is not the name of an object where a route that is not offered ends with it.
        self._literal = frozenset(route for route in routes.all() if "<" not in route)
        # By method and the part of the path before its first parameter.
        self._templates: dict[tuple[str, str], list[tuple[re.Pattern[str], str]]] = {}
        # The template with the most literal text comes first, as in MLflow.
        for route in sorted(self._offered - self._literal, key=lambda route: -len(_PARAMETER.sub("", route))):
            method, path = route.split(" ", 1)
            pattern = re.compile(routes.patterns.get(path) or _expression(path))
            self._templates.setdefault((method, path.partition("<")[0]), []).append((pattern, route))
        self._beginnings = sorted({beginning for _, beginning in self._templates}, key=len, reverse=True)

    def route(self, method: str, raw_path: bytes) -> str | None:
        """The route of a request; None if it is not offered. HEAD counts as GET."""
        if len(raw_path) > PATH_BYTES or not raw_path.isascii():
            return None
        path = raw_path.decode("ascii")
        method = "GET" if method == "HEAD" else method
        if (literal := f"{method} {path}") in self._literal:
            return literal if literal in self._offered else None
        for beginning in self._beginnings:
            if path.startswith(beginning):
                for pattern, route in self._templates.get((method, beginning), ()):
                    if pattern.fullmatch(path):
                        return route
        return None


def _expression(path: str) -> str:
    """Regular expression of a path's template."""
    parts = list[str]()
    end = 0
    for found in _PARAMETER.finditer(path):
        parts += re.escape(path[end : found.start()]), rf"{_SEGMENT}(?:/{_SEGMENT})*" if found[1] else _SEGMENT
        end = found.end()
    return "".join((*parts, re.escape(path[end:])))


class Routes:
    """ASGI middleware that passes on requests to offered routes and answers 404 to others, without reading them."""

    def __init__(self, app: App, routes: RouteList, features: Collection[str]) -> None:
        """Offer the routes of the group `core` and of these features.

        Raises:
            RoutesError: there is no such feature.
        """
        self._app = app
        self._matcher = Matcher(routes, features)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if scope["type"] == "http":
            found = facts(scope)
            found.route = self._route(scope)
            if found.route is None:
                found.refused_by = "routes"
                await answers.refuse(
                    send, 404, "ENDPOINT_NOT_FOUND", "This platform has no such endpoint, or does not offer it."
                )
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        await self._app(scope, receive, send)

    def _route(self, scope: Message) -> str | None:
        route = self._matcher.route(scope["method"], scope["raw_path"])
        # The layers further in read the decoded path.
        agree = route is not None and unquote(scope["raw_path"].decode("ascii")) == scope["path"]
        return route if agree else None
