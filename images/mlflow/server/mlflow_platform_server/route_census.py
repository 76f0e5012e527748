"""Compares MLflow's own route table with the list of judged routes: `python -m mlflow_platform_server.route_census`.

The build of the server's image runs it. It ends with status 1 if a route is not listed, or if a listed one does not
exist. An MLflow release older than the list, as in rehearsals of upgrades, may differ: routes that are not listed are
not served.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from mlflow.server import app as flask_app
from mlflow.server.fastapi_app import create_fastapi_app
from mlflow.version import VERSION

from mlflow_platform_server import routes

# Implied by the other methods.
IMPLIED = {"HEAD", "OPTIONS"}


def served() -> set[str]:
    """The routes that MLflow serves, as `METHOD PATH` with parameters in Flask's form."""
    found = {(method, rule.rule) for rule in flask_app.url_map.iter_rules() for method in rule.methods}
    found |= set(_native(create_fastapi_app().routes))
    return {f"{method} {path}" for method, path in found if method not in IMPLIED}


def _native(table: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Methods and paths of FastAPI's routes, those of included routers too."""
    for route in table:
        if hasattr(route, "original_router"):
            yield from _native(route.original_router.routes, prefix + (route.include_context.prefix or ""))
        elif getattr(route, "methods", None):
            path = re.sub(r"{(\w+)(?::(\w+))?}", _flask_form, prefix + route.path)
            yield from ((method, path) for method in route.methods)


def _flask_form(parameter: re.Match[str]) -> str:
    name, converter = parameter.groups()
    return f"<{converter}:{name}>" if converter else f"<{name}>"


def main() -> int:
    """Print the differences; returns the exit status."""
    judged = routes.read(routes.FILE.read_text(encoding="utf-8"))
    lines = routes.differences(judged, served())
    if not lines:
        return 0
    if routes.older(VERSION, judged.mlflow):
        print(f"MLflow {VERSION} is older than routes.toml ({judged.mlflow}), and differs:", *lines, sep="\n")
        return 0
    remedy = (
        f"MLflow {VERSION} has other routes than routes.toml ({judged.mlflow}). Read the handler of each new route, "
        "and add it to the group whose reason holds for it. Remove routes that are gone. Set `mlflow`, too."
    )
    print(remedy, *lines, sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
