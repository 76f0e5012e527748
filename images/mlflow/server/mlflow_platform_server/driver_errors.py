"""Turns errors of the database into MLflow's errors, with texts for clients; the full text goes to the server's log.

MLflow would pass on the driver's text, which contains the statement and all its values. Errors that MLflow itself
catches and names (a model of this name already exists) keep their code and their sentence.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode
from mlflow.store.db import utils
from mlflow.store.jobs import sqlalchemy_store as jobs
from mlflow.store.model_registry import sqlalchemy_store as registry
from sqlalchemy.exc import SQLAlchemyError

from mlflow_platform_server import driver_text, scope

_logger = logging.getLogger(__name__)


def install(statement_seconds: int) -> None:
    """Wrap the sessions of MLflow's stores in this process, once, before a store is made.

    Errors name `statement_seconds`, the bound of a statement's time.
    """
    wrapped = _translating(utils._get_managed_session_maker, statement_seconds)
    # The others call it by its module.
    utils._get_managed_session_maker = wrapped
    jobs._get_managed_session_maker = registry._get_managed_session_maker = wrapped


def _translating(maker: Callable[..., Any], seconds: int) -> Callable[..., Any]:
    def make(session_maker: Any, db_type: str) -> Callable[..., Any]:
        session_of = maker(session_maker, db_type)

        @contextmanager
        def managed(read_only: bool = True) -> Iterator[Any]:  # noqa: FBT001, FBT002 - MLflow's signature
            try:
                with session_of(read_only=read_only) as session:
                    yield session
            except MlflowException as error:
                translated = _translated(error, changes=not read_only, seconds=seconds)
                if translated is error:
                    raise
                current = scope.current()
                _logger.exception("Request %s failed in the database", current.name if current else "-")
                # Callers look at the cause to find out whether to try again.
                raise translated from error.__cause__

        return managed

    return make


def _translated(error: MlflowException, *, changes: bool, seconds: int) -> MlflowException:
    cause = error.__cause__
    # Only MLflow's session makes an exception whose whole text is the cause's.
    if isinstance(cause, SQLAlchemyError) and error.message == str(cause):
        state = getattr(getattr(cause, "orig", None), "sqlstate", None)
        code, message = driver_text.answer(type(cause).__name__, state, str(cause), changes=changes, seconds=seconds)
        return MlflowException(message, error_code=ErrorCode.Value(code))
    if driver_text.describes_inside(error.message):
        message = driver_text.outside(error.message) or driver_text.REFUSED
        return MlflowException(message, error_code=ErrorCode.Value(error.error_code))
    return error
