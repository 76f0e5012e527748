"""What the layers here read from the authorization plugin: its decision, and its list of paths without identity."""

from typing import Any

from mlflow_kubernetes_plugins.auth import constants, core

from mlflow_platform_server import open_paths


def of_this_request() -> Any:
    """The plugin's result for the running request; None if it has not decided."""
    return core._AUTHORIZATION_HANDLED.get()


def check_open_paths() -> None:
    """Fail if the plugin has other paths without identity than `open_paths`."""
    theirs = {*constants.UNPROTECTED_PATHS, *constants.UNPROTECTED_PATH_PREFIXES}
    ours = {*open_paths.PATHS, *open_paths.PREFIXES}
    if theirs != ours:
        message = f"Review open_paths.py: the plugin's list differs in {sorted(theirs ^ ours)}."
        raise RuntimeError(message)
