"""Deliveries of webhooks: for the workspace of the request that causes them, and to hosts that the stack file names.

MLflow 3.17.2 caches each event's webhooks for a minute without regard to the workspace, and so would report one team's
events to another team's address. Here the list is read each time, under the scope of the request. While the feature is
off, nothing is delivered, not even to webhooks that were created while it was on.

No request waits for a receiver or for a name server: threads of their own send (`webhook_queue`), within a bounded time
(`webhook_client`), through the webhook proxy, which resolves the names and refuses addresses that are not public.
MLflow's own check of addresses is left out, because it resolves names in the thread of the request.
"""

import json
import logging
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from mlflow.entities.webhook import WebhookTestResult
from mlflow.exceptions import MlflowException
from mlflow.protos.webhooks_pb2 import TestWebhook
from mlflow.server import handlers
from mlflow.store.model_registry import sqlalchemy_store
from mlflow.store.model_registry.dbmodels.models import EncryptedString
from mlflow.utils.proto_json_utils import message_to_json
from mlflow.webhooks import delivery

from mlflow_platform_server import scope, webhook_addresses, webhook_client, webhook_secrets, webhook_tests
from mlflow_platform_server.webhook_queue import DeliveryQueue

PAGE = 100
# Debian's bundle; where the company has CA certificates of its own, a file with both is mounted there.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
FAILED = 400

_logger = logging.getLogger(__name__)


def install(hosts: Collection[str], *, proxy: str, seconds: float, multi_tenant: bool = True) -> None:
    """Replace the parts of MLflow that find and send webhooks.

    Args:
        hosts: the hosts that webhooks may be sent to.
        proxy: host and port of the webhook proxy, such as `webhook-proxy:3128`.
        seconds: the longest time of a delivery, all attempts together.
        multi_tenant: False if MLflow runs without workspaces; all webhooks belong to the one team then.
    """
    queue = DeliveryQueue()
    session = _Session(proxy, hosts, seconds)
    delivery._get_cached_webhooks_by_event = _webhooks
    delivery._webhook_delivery_executor = _ScopedExecutor(queue)
    delivery._get_or_create_webhook_session = lambda: session
    webhook_secrets.install(EncryptedString, InvalidToken)
    delivery._send_webhook_request = _signed(delivery._send_webhook_request)
    if multi_tenant:
        delivery._send_webhook_request = _for_own_workspace(delivery._send_webhook_request)
    delivery._validate_webhook_url = _validation(hosts)
    # When a webhook is made or changed, so that its owner hears at once.
    sqlalchemy_store._validate_webhook_url = _validation(hosts)
    handlers.test_webhook = webhook_tests.deferring(partial(_test, queue), partial(failed_test, "it has not ended"))


def switch_off() -> None:
    """Deliver nothing."""
    delivery._deliver_webhook_impl = _deliver_nothing


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

    def __init__(self, queue: DeliveryQueue) -> None:
        self._queue = queue

    def submit(self, _: Callable[..., None], webhook: Any, payload: Any, event: Any, session: Any) -> Future[None]:
        """Send a webhook later; takes the arguments of MLflow's `_send_webhook_with_error_handling`."""
        workspace = scope.workspace()

        def deliver() -> None:
            with scope.background("webhook delivery", workspace):
                _deliver(webhook, payload, event, session)

        return self._queue.submit(workspace, deliver, size=len(json.dumps(payload)))


def _deliver(webhook: Any, payload: Any, event: Any, session: Any) -> None:
    """Send a webhook, and log a failure without the URL, which for some receivers is a secret."""
    try:
        answer = delivery._send_webhook_request(webhook, payload, event, session)
    except Exception as error:  # noqa: BLE001 - nobody waits for the delivery
        reason = str(error)
    else:
        if answer.status_code < FAILED:
            return
        reason = f"{urlsplit(webhook.url).hostname} answers with status {answer.status_code}"
    _logger.error("Webhook %s of workspace %s was not delivered: %s", webhook.webhook_id, webhook.workspace, reason)


def _test(queue: DeliveryQueue, webhook: Any, event: Any) -> Future[Any]:
    """Test a webhook later; the result is MLflow's `WebhookTestResult`."""
    workspace = scope.workspace()

    def test() -> Any:
        with scope.background("webhook test", workspace):
            return delivery.test_webhook(webhook=webhook, event=event)

    return queue.submit(workspace, test)


def failed_test(reason: str) -> WebhookTestResult:
    """The result of a test that failed."""
    return WebhookTestResult(success=False, error_message=f"Failed to test webhook: {reason}")


def test_body(result: WebhookTestResult) -> bytes:
    """The body with which MLflow answers a test."""
    return message_to_json(TestWebhook.Response(result=result.to_proto())).encode()


def _signed(send: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap MLflow's sending so that it refuses webhooks whose secret is lost."""

    def send_signed(webhook: Any, *arguments: Any, **named: Any) -> Any:
        webhook_secrets.check(webhook.secret)
        return send(webhook, *arguments, **named)

    return send_signed


def _for_own_workspace(send: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap MLflow's sending so that it refuses webhooks of another workspace than the scope's."""

    def send_own(webhook: Any, *arguments: Any, **named: Any) -> Any:
        if webhook.workspace != scope.workspace():
            message = f"The webhook {webhook.webhook_id} does not belong to the workspace of {scope.bound().name}."
            raise scope.ScopeError(message)
        return send(webhook, *arguments, **named)

    return send_own


class _Session:
    """Takes the place of the `requests.Session` that MLflow sends webhooks with; it has no state."""

    def __init__(self, proxy: str, hosts: Collection[str], seconds: float) -> None:
        host, _, port = proxy.rpartition(":")
        self._send = partial(
            webhook_client.send_once,
            webhook_client.Route(proxy=(host, int(port)), trust=ssl.create_default_context(cafile=AUTHORITIES)),
        )
        self._check = _validation(hosts)
        self._seconds = seconds

    def post(self, url: str, data: bytes, headers: Mapping[str, str], timeout: float) -> webhook_client.Answer:
        """Send a webhook. MLflow's `timeout` is the one of a single read; `server.bounds.webhookSeconds` bounds all."""
        del timeout
        self._check(url)
        deadline = time.monotonic() + self._seconds
        return webhook_client.post(url, data, headers, deadline=deadline, send=self._send)


def _validation(hosts: Collection[str]) -> Callable[[str], None]:
    """MLflow's check of a webhook's URL, without its look-up of the host's addresses."""

    def check(url: str) -> None:
        if reason := webhook_addresses.refusal(url if isinstance(url, str) else "", hosts):
            raise MlflowException.invalid_parameter_value(reason)

    return check
