"""The workspaces that a caller may see: those in which the caller may list any of MLflow's resources.

Candidates come from the index of bindings, and each is confirmed by a review. One review for all namespaces together
covers ClusterRoleBindings, and clusters that decide by other means than RBAC.
"""

import asyncio
from collections.abc import Sequence

from mlflow_platform_server.namespaces import Namespaces
from mlflow_platform_server.reviews import OutageError, Question, ReviewFailedError, Reviews
from mlflow_platform_server.role_bindings import EVERYWHERE, BindingIndex
from mlflow_platform_server.scope import Caller

VERB = "list"
# Workspaces of one caller that are reviewed at once: half the threads, so that others get an answer meanwhile.
AT_ONCE = 4


class VisibleWorkspaces:
    """Finds the workspaces of callers; for the event loop."""

    def __init__(
        self,
        reviews: Reviews,
        *,
        namespaces: Namespaces,
        bindings: BindingIndex,
        cluster_bindings: BindingIndex,
        resources: Sequence[str],
    ) -> None:
        """The first of `resources` has to be one that every role may list."""
        self._reviews = reviews
        self._namespaces = namespaces
        self._bindings = bindings
        self._cluster_bindings = cluster_bindings
        self._resources = resources

    @property
    def ready(self) -> bool:
        """True once namespaces and bindings are known."""
        return self._namespaces.ready and self._bindings.ready and self._cluster_bindings.ready

    async def of(self, caller: Caller) -> set[str]:
        """Names of the workspaces that a caller may see; during an outage, those that were confirmed recently.

        Raises:
            ReviewFailedError: no workspace is known, and Kubernetes gave no decision or has not listed the bindings
                yet.
            TokenRefusedError: Kubernetes does not accept the caller's token.
        """
        if not self.ready:
            raise ReviewFailedError("Kubernetes has not listed the namespaces and role bindings yet.")
        names = self._namespaces.names()
        identity = await self._reviews.identity(caller)
        bound = bool(self._cluster_bindings.namespaces(identity))
        anywhere = await self._may_list(caller, EVERYWHERE, self._resources if bound else self._resources[:1])
        if anywhere is True:
            return names
        candidates = sorted(names & self._bindings.namespaces(identity))
        slots = asyncio.Semaphore(AT_ONCE)

        async def confirmed(namespace: str) -> bool | OutageError:
            async with slots:
                return await self._may_list(caller, namespace, self._resources)

        answers = await asyncio.gather(*map(confirmed, candidates))
        found = {name for name, answer in zip(candidates, answers, strict=True) if answer is True}
        for answer in (anywhere, *answers):
            if isinstance(answer, OutageError) and not found:
                raise answer
        return found

    async def _may_list(self, caller: Caller, namespace: str, resources: Sequence[str]) -> bool | OutageError:
        outage: OutageError | None = None
        for resource in resources:
            try:
                if await self._reviews.allows(caller, Question(resource=resource, verb=VERB, namespace=namespace)):
                    return True
            except OutageError as error:
                outage = error
        return outage or False
