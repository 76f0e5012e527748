"""Access to the authorization plugin: reads its decision, and changes how it treats identities.

With the changes, the plugin decodes names of users and groups as UTF-8, and a user whom the stack file does not name
matches no RoleBinding. The plugin's list of paths that need no identity is compared with `open_paths.py`. Where the
plugin would block the event loop, `plugin_threads.py` changes it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mlflow_kubernetes_plugins.auth import constants, core, middleware
from mlflow_kubernetes_plugins.auth.authorizer import KubernetesAuthorizer

from mlflow_platform_server import open_paths
from mlflow_platform_server.known_identities import reviewed_user


def decision() -> Any:
    """The plugin's result for the running request; None if it has not decided."""
    return core._AUTHORIZATION_HANDLED.get()


def check_open_paths() -> None:
    """Fail if the paths that need no identity are other ones in the plugin than in `open_paths`."""
    theirs = {*constants.UNPROTECTED_PATHS, *constants.UNPROTECTED_PATH_PREFIXES}
    ours = {*open_paths.PATHS, *open_paths.PREFIXES}
    if theirs != ours:
        message = f"Review open_paths.py: the plugin's list differs in {sorted(theirs ^ ours)}."
        raise RuntimeError(message)


def adapt_identities() -> None:
    """Adapt the plugin in this process, once, before its middleware is made."""
    middleware.build_fastapi_authorization_request = _in_utf8(middleware.build_fastapi_authorization_request)
    KubernetesAuthorizer._submit_subject_access_review = _of_known(KubernetesAuthorizer._submit_subject_access_review)


def _in_utf8(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the plugin's reading of requests, which decodes headers as Latin-1: user and groups become UTF-8."""

    def built(*args: Any, **more: Any) -> Any:
        request = build(*args, **more)
        return replace(
            request,
            remote_user_header_value=_utf8(request.remote_user_header_value),
            remote_groups_header_value=_utf8(request.remote_groups_header_value),
        )

    return built


def _utf8(value: str | None) -> str | None:
    return None if value is None else value.encode("latin-1").decode("utf-8")


def _of_known(submit: Callable[..., bool]) -> Callable[..., bool]:
    """Wrap the plugin's access review: a user whom the stack file does not name gets a name that no binding has."""

    def submit_of_known(authorizer: Any, user: str, *args: Any, **more: Any) -> bool:
        return submit(authorizer, reviewed_user(user), *args, **more)

    return submit_of_known
