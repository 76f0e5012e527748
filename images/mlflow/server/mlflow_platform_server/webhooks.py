"""Deliveries of webhooks: for the workspace of the request that causes them, and to hosts that the stack file names.

MLflow 3.17.2 caches each event's webhooks for a minute, whatever the workspace, and so reports to one team's address
what another team does. Here the list is read each time, under the scope of the request. While the feature is off,
nothing is delivered, not even to webhooks that were created while it was on.
"""

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.model_registry import sqlalchemy_store
from mlflow.webhooks import delivery
from mlflow.webhooks.ssrf import SSRFProtectedHTTPAdapter
from requests import Session
from requests.adapters import HTTPAdapter

from mlflow_platform_server import scope, webhook_addresses

PAGE = 100


def install(hosts: Collection[str], *, enabled: bool, multi_tenant: bool = True) -> None:
    """Replace the parts of MLflow that find and send webhooks.

    If MLflow runs without workspaces (`multi_tenant` is False), all webhooks belong to the one team.
    """
    if not enabled:
        delivery._deliver_webhook_impl = _deliver_nothing
        return
    delivery._get_cached_webhooks_by_event = _webhooks
    delivery._webhook_delivery_executor = _ScopedExecutor(delivery._webhook_delivery_executor)
    delivery._create_webhook_session = _session_of(delivery._create_webhook_session, hosts)
    if multi_tenant:
        delivery._send_webhook_request = _for_own_workspace(delivery._send_webhook_request)
    # When a webhook is made or changed, so that its owner hears at once.
    sqlalchemy_store._validate_webhook_url = _validated(sqlalchemy_store._validate_webhook_url, hosts)


def _deliver_nothing(**_: Any) -> None:
    """Take the place of a delivery while webhooks are off."""


def _webhooks(store: Any, event: Any, _: int) -> list[Any]:
    """The webhooks of the scope's workspace for an event."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = store.list_webhooks_by_event(event, max_results=PAGE, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


class _ScopedExecutor:
    """The threads that send webhooks; each delivery has a scope of its own, of the workspace that caused it."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    def submit(self, send: Callable[..., None], *arguments: Any) -> Future[None]:
        """Send a webhook later."""
        workspace = scope.workspace()

        def deliver() -> None:
            with scope.background("webhook delivery", workspace):
                send(*arguments)

        return self._executor.submit(deliver)


def _for_own_workspace(send: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap MLflow's sending so that it refuses webhooks of another workspace than the scope's."""

    def send_own(webhook: Any, *arguments: Any, **named: Any) -> Any:
        if webhook.workspace != scope.workspace():
            message = f"The webhook {webhook.webhook_id} does not belong to the workspace of {scope.bound().name}."
            raise scope.ScopeError(message)
        return send(webhook, *arguments, **named)

    return send_own


class _ListedHosts(SSRFProtectedHTTPAdapter):
    """Sends to listed hosts only, also after a redirect; MLflow's base class refuses addresses that are not public."""

    def __init__(self, hosts: Collection[str], **settings: Any) -> None:
        self._hosts = hosts
        super().__init__(**settings)

    def send(self, request: Any, *arguments: Any, **named: Any) -> Any:
        if reason := webhook_addresses.refusal(request.url, self._hosts):
            raise MlflowException.invalid_parameter_value(reason)
        return super().send(request, *arguments, **named)


def _session_of(create: Callable[[], Session], hosts: Collection[str]) -> Callable[[], Session]:
    def session() -> Session:
        made = create()
        own: HTTPAdapter = made.get_adapter("https://")
        # Without an adapter for http, a redirect to it fails.
        made.adapters.clear()
        made.mount("https://", _ListedHosts(hosts, max_retries=own.max_retries))
        return made

    return session


def _validated(validate: Callable[[str], None], hosts: Collection[str]) -> Callable[[str], None]:
    def checked(url: str) -> None:
        if isinstance(url, str) and (reason := webhook_addresses.refusal(url, hosts)):
            raise MlflowException.invalid_parameter_value(reason)
        validate(url)

    return checked
