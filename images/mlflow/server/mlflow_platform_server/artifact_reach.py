"""The check of each location that an artifact repository uses; `confine` turns it on in server processes.

A purge, and MLflow's own commands, run in processes of their own and are not confined.
"""

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST

from mlflow_platform_server.imported_files import Explanations
from mlflow_platform_server.object_keys import Location, OutOfReachError, Reach, location_of
from mlflow_platform_server.scope import ScopeError

# What a repository answers if it has nothing at a location that seems to be of another MLflow server.
IMPORTED = Explanations(error=MlflowException, refuse=lambda message: MlflowException(message, RESOURCE_DOES_NOT_EXIST))


class _Confinement:
    reach: Reach | None = None


def confine(destination: str, *, multi_tenant: bool) -> None:
    """Confine this process to the store at the URI `destination`, and each request to its workspace there."""
    _Confinement.reach = Reach(root=location_of(destination), multi_tenant=multi_tenant)


def check(location: Location) -> None:
    """Refuse a location that the running request may not reach.

    Raises:
        MlflowException: the request may not reach it, or there is no request.
    """
    if _Confinement.reach is None:
        return
    try:
        _Confinement.reach.check(location)
    except OutOfReachError as error:
        raise MlflowException(str(error), PERMISSION_DENIED) from error
    except ScopeError as error:
        raise MlflowException(
            "The request names no workspace. Send the header X-MLFLOW-WORKSPACE.", PERMISSION_DENIED
        ) from error


class ScopedThreadPool(ThreadPoolExecutor):
    """A thread pool whose threads work in the scope of the request that hands them the work."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread, in a copy of the current context."""
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)
