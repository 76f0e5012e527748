"""Checks of the setting `server.spread` and of the size of a connection pool."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault

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
