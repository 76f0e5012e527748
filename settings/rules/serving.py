"""Checks of the setting `server.spread`, of the size of a connection pool, and of the hosts of webhooks."""

from collections.abc import Iterator

from settings.draft import Draft, texts
from settings.faults import Fault

# Connections that one request can hold at a time: logging a batch with a run's name opens four nested sessions
# (`SqlAlchemyStore.log_batch` > `_set_tags` > `set_tag` > `update_run_info`, MLflow 3.17.2).
MOST_SESSIONS = 4


def spread(draft: Draft) -> Iterator[Fault]:
    """Check that `server.spread` `required` is used only with more than one replica."""
    if draft.value("server.spread") != "required" or draft.number("server.replicas") != 1:
        return
    if draft.value("server.autoscaling") is None:
        yield Fault(
            "server.spread",
            "`required` needs two or more replicas, but server.replicas is 1",
            "remove server.spread, or use two or more replicas",
        )


def webhooks(draft: Draft) -> Iterator[Fault]:
    """Check that server.webhookHosts is set if server.features contains `webhooks`, and only then."""
    on, hosts = "webhooks" in texts(draft.value("server.features")), texts(draft.value("server.webhookHosts"))
    if on and not hosts:
        yield Fault(
            "server.features",
            "contains `webhooks`, but server.webhookHosts names no host to send them to",
            "add the hosts to server.webhookHosts, or remove `webhooks`",
        )
    if hosts and not on:
        yield Fault(
            "server.webhookHosts",
            "has no effect without `webhooks` in server.features",
            "add `webhooks` to server.features, or remove server.webhookHosts",
        )


def pool(draft: Draft) -> Iterator[Fault]:
    """Check that a connection pool has enough connections for one request."""
    size, overflow = draft.number("server.poolSize"), draft.number("server.poolOverflow")
    if size is None or overflow is None or size + overflow >= MOST_SESSIONS:
        return
    yield Fault(
        "server.poolSize",
        f"poolSize {size} + poolOverflow {overflow} = {size + overflow} connections; expected at least {MOST_SESSIONS},"
        " which one request can hold at a time",
        f"set server.poolSize {MOST_SESSIONS - overflow}",
    )
