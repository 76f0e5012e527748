"""Access reviews by Kubernetes, and the first of two checks: whether a caller has any right in a workspace.

The first check asks for the verb `get` on `experiments`, which every role of a team has
(components/team/permissions.py). The second check, what the caller may do inside the workspace, is left to the
authorization plugin. Nothing here uses the plugin, so that a fault of the plugin affects one check only. Both send
their questions through `Reviews`. An answer is stored for the whole question and the whole identity, so neither check
can get an answer to another question.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, cast

from mlflow_platform_server.known_identities import UNLISTED
from mlflow_platform_server.review_engine import OutageError, ReviewEngine, ReviewFailedError, TokenRefusedError
from mlflow_platform_server.scope import Caller

__all__ = [
    "AccessReviews",
    "Asker",
    "Identity",
    "OutageError",
    "Question",
    "ReviewFailedError",
    "Reviews",
    "TokenRefusedError",
    "digest",
]

GROUP, RESOURCE, VERB = "mlflow.kubeflow.org", "experiments", "get"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A right that a caller may have: the resource attributes of an access review."""

    resource: str
    verb: str
    namespace: str
    """Empty: in all namespaces."""

    subresource: str | None = None
    name: str | None = None
    group: str = GROUP


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """User name and groups under which Kubernetes looks for RoleBindings of a caller."""

    user: str
    groups: tuple[str, ...]


class Asker(Protocol):
    """Sends questions to Kubernetes, blocking, such as those of `kubernetes_reviews`."""

    def allowed(self, caller: Caller, question: Question, seconds: float) -> bool:
        """True if the caller has the right."""
        ...

    def identity(self, caller: Caller, seconds: float) -> Identity:
        """The caller's identity."""
        ...


class Reviews:
    """Access reviews of one worker process. They raise what `ReviewEngine.decide` raises."""

    def __init__(self, engine: ReviewEngine, asker: Asker, reviewed_user: Callable[[str], str]) -> None:
        """`reviewed_user` returns the name with which Kubernetes is asked about a user."""
        self._engine = engine
        self._asker = asker
        self._reviewed_user = reviewed_user

    async def allows(self, caller: Caller, question: Question) -> bool:
        """True if the caller has the right; to be called in the event loop."""
        caller = self._reviewed(caller)
        decided = self._engine.decide(
            (digest(caller), question), lambda seconds: self._asker.allowed(caller, question, seconds)
        )
        return await decided is True

    def allows_blocking(self, caller: Caller, question: Question) -> bool:
        """True if the caller has the right; to be called in a thread."""
        caller = self._reviewed(caller)
        decided = self._engine.decide_blocking(
            (digest(caller), question), lambda seconds: self._asker.allowed(caller, question, seconds)
        )
        return decided is True

    async def identity(self, caller: Caller) -> Identity:
        """The caller's identity; Kubernetes is asked for it if the caller has a token."""
        if caller.token is None:
            # A SubjectAccessReview is about these names alone: Kubernetes adds no groups such as system:authenticated.
            return Identity(user=self._reviewed_user(caller.user), groups=caller.groups)
        key = (digest(caller), "identity")
        return cast("Identity", await self._engine.decide(key, lambda seconds: self._asker.identity(caller, seconds)))

    def _reviewed(self, caller: Caller) -> Caller:
        # Part of the key: who is taken from the list of known identities loses remembered answers with the name.
        return caller if caller.token is not None else replace(caller, user=self._reviewed_user(caller.user))


class AccessReviews:
    """The first check."""

    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    async def allows(self, caller: Caller, namespace: str) -> bool:
        """True if the caller has a right in the namespace.

        Raises:
            ReviewFailedError: Kubernetes gave no decision in time, and no remembered decision is valid.
            TokenRefusedError: Kubernetes does not accept the caller's token.
        """
        return await self._reviews.allows(caller, Question(resource=RESOURCE, verb=VERB, namespace=namespace))


def digest(caller: Caller) -> str:
    """Key of a caller: two callers have the same key only if Kubernetes decides the same for them.

    The key is the same in all processes, although each process reviews users without known identity under another name.
    """
    if caller.token is not None:
        # Kubernetes reads nothing else.
        identity: object = {"token": caller.token}
    else:
        unlisted = caller.user.startswith(UNLISTED)
        identity = [unlisted, caller.user.removeprefix(UNLISTED), *sorted(caller.groups)]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
