"""Texts of errors in GraphQL: an answer with them has the status 200, and so passes `errors.py` as a success.

MLflow puts the text of whatever a resolver raises into the answer: addresses of the artifact store, paths of the
server.
"""

import logging
from collections.abc import Callable
from typing import Any

from mlflow_platform_server import driver_text, errors, scope

_logger = logging.getLogger(__name__)


class FailedError(Exception):
    """A resolver has failed; the message is for clients."""


class ErrorTexts:
    """Middleware of GraphQL's resolvers that replaces the texts of errors.

    Errors of some types keep their texts, if these describe nothing of the inside of the platform.
    """

    def __init__(self, *told: type[Exception]) -> None:
        """`told` are the types of errors whose texts are meant for clients."""
        self._told = told

    def resolve(self, resolver: Callable[..., Any], root: object, info: object, **arguments: object) -> Any:
        """The value of a field.

        Raises:
            FailedError: the resolver has failed with a text that is not for clients.
        """
        try:
            return resolver(root, info, **arguments)
        except Exception as error:
            text = str(error) if isinstance(error, self._told) else errors.INTERNAL
            said = driver_text.outside(text) or errors.INTERNAL
            if isinstance(error, self._told) and said == text:
                raise
            request = scope.bound().name
            _logger.exception("Request %s failed in a field of GraphQL", request)
            message = f"{said} Request ID: {request}"
            raise FailedError(message) from error
