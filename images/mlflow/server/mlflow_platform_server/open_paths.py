"""Paths that need no identity: they show nothing of any workspace.

The authorization plugin has the same list; `plugin.py` compares them when the server starts.
"""

PREFIXES = ("/static", "/favicon.ico", "/health", "/build")
PATHS = frozenset(
    {
        "/",
        "/health",
        "/version",
        "/server-info",
        "/metrics",
        "/api/3.0/mlflow/server-info",
        "/ajax-api/3.0/mlflow/server-info",
        "/ajax-api/3.0/mlflow/ui-telemetry",
    }
)


def is_open(path: str) -> bool:
    """True if a request to this path needs no identity."""
    return path in PATHS or path.startswith(PREFIXES)
