"""All that a worker process asks Kubernetes: access reviews, and copies of namespaces, bindings and known identities.

The start does not wait for Kubernetes, except in `wait`, for a bounded time.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlflow_platform_server import identity_lists, known_identities, kubernetes_api, kubernetes_reviews, review_engine
from mlflow_platform_server import namespaces as workspaces
from mlflow_platform_server.decisions import Decisions
from mlflow_platform_server.namespaces import Namespaces
from mlflow_platform_server.review_engine import ReviewEngine
from mlflow_platform_server.reviews import AccessReviews, Reviews
from mlflow_platform_server.role_bindings import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, BindingIndex
from mlflow_platform_server.scope import Caller
from mlflow_platform_server.shared_answers import SharedAnswers
from mlflow_platform_server.shared_answers import path as shared_path
from mlflow_platform_server.visible_workspaces import VisibleWorkspaces
from mlflow_platform_server.watches import Copy, Watch

# Longest wait for the first copies when the server starts.
START_SECONDS = 5

_logger = logging.getLogger(__name__)


class KubernetesAccess:
    """Reviews and copies of one worker process."""

    def __init__(
        self,
        api: kubernetes_api.KubernetesApi,
        *,
        by_token: bool,
        cache_seconds: float,
        review_seconds: float,
        outage_seconds: float,
        resources: Sequence[str],
        unavailable: Callable[[], Exception],
        shared: SharedAnswers | None = None,
    ) -> None:
        """Prepare everything; `start` begins to copy.

        Args:
            api: the connection.
            by_token: true if reviews are sent with the callers' tokens, false if they name the callers.
            cache_seconds: time for which an answer is valid.
            review_seconds: longest wait for an answer.
            outage_seconds: time for which a yes stays valid while Kubernetes does not answer.
            resources: MLflow's resources; whoever may list one of them in a workspace sees the workspace.
            unavailable: makes the error for requests before the namespaces are known.
            shared: answers of all worker processes of the pod.
        """
        self._api = api
        self._by_token = by_token
        self._watches = list[Watch]()
        decisions = Decisions(cache_seconds, outage_seconds, shared=shared)
        asker = kubernetes_reviews.asker(api, by_token=by_token)
        self.reviews = Reviews(ReviewEngine(decisions, review_seconds), asker, known_identities.reviewed_user)
        self.judge = AccessReviews(self.reviews)
        self.namespaces = Namespaces(unavailable)
        self.bindings, self.cluster_bindings = BindingIndex(), BindingIndex()
        self.visible = VisibleWorkspaces(
            self.reviews,
            namespaces=self.namespaces,
            bindings=self.bindings,
            cluster_bindings=self.cluster_bindings,
            resources=resources,
        )

    def start(self, *, identities: str | None, namespaces: tuple[str | None, Sequence[str]] | None) -> None:
        """Begin to copy.

        Args:
            identities: label selector of the lists of identities; None means that there are no lists.
            namespaces: label selector of the namespaces that are workspaces, and patterns of the names of those that
                never are; None: MLflow runs without workspaces.
        """
        if identities is not None:
            identity_lists.follow(identities, self._api)
        if namespaces is not None:
            selector, self.namespaces.excluded = namespaces
            self._copy(workspaces.PATH, self.namespaces, {"labelSelector": selector} if selector else {})
            self._copy(ROLE_BINDINGS, self.bindings)
            self._copy(CLUSTER_ROLE_BINDINGS, self.cluster_bindings)

    def _copy(self, path: str, copy: Copy, query: Mapping[str, str] | None = None) -> None:
        self._watches.append(Watch(self._api, path, copy, query))
        self._watches[-1].start()

    def stop(self) -> None:
        """End all copying."""
        for watch in self._watches:
            watch.stop()

    def identities_known(self) -> bool:
        """True once the lists of identities are known."""
        return self._by_token or known_identities.are_known()

    def wait(self, seconds: float = START_SECONDS, *, workspaces: bool) -> bool:
        """Wait until all copies are complete, at most `seconds`; False if some are not."""
        deadline = time.monotonic() + seconds
        while not (ready := self.identities_known() and (self.visible.ready or not workspaces)):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.05)
        return ready

    async def has_workspace(self, caller: Caller) -> bool:
        """True if a caller sees any workspace."""
        return bool(await self.visible.of(caller))


def connected() -> kubernetes_api.KubernetesApi:
    """The API server, with a connection for each thread that reviews."""
    return kubernetes_api.connected(connections=review_engine.THREADS)


def shared_answers() -> SharedAnswers | None:
    """The answers of all worker processes of the pod; None if the pod has no file for them."""
    try:
        return SharedAnswers(shared_path(Path(tempfile.gettempdir())))
    except OSError:
        message = (
            "The workers of this pod cannot share access reviews, because their file in %s cannot be made: while"
            " Kubernetes does not answer, each has its own only."
        )
        _logger.exception(message, tempfile.gettempdir())
        return None
