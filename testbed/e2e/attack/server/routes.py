"""Run in the server's container: the route table of the application that serves there, as JSON.

The application is made anew, without a request: it reads the same environment and opens no database.
"""

import json
import re
import warnings

warnings.simplefilter("ignore")

from mlflow.server import app as flask_app  # noqa: E402 - it warns when it is imported
from mlflow_kubernetes_plugins.auth.middleware import create_app  # noqa: E402

# Nobody's data is behind them.
IMPLIED = {"HEAD", "OPTIONS"}


def native(routes, prefix=""):
    """Paths and methods of FastAPI's routes, those of included routers too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from native(route.original_router.routes, prefix + (route.include_context.prefix or ""))
        elif getattr(route, "methods", None):
            yield re.sub(r"{(\w+)(?::(\w+))?}", flask_form, prefix + route.path), route.methods


def flask_form(match):
    """A parameter as Flask writes it."""
    name, converter = match.groups()
    return f"<{converter}:{name}>" if converter else f"<{name}>"


found = {(method, path) for path, methods in native(create_app().routes) for method in methods}
found |= {(method, rule.rule) for rule in flask_app.url_map.iter_rules() for method in rule.methods}
print(json.dumps(sorted(f"{method} {path}" for method, path in found if method not in IMPLIED)))
