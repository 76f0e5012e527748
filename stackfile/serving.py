"""Where the server's replicas stand, and what one of its requests takes."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault

# Connections that one request may hold at a time: a batch with a run's name in it opens four sessions in each other
# (`SqlAlchemyStore.log_batch` > `_set_tags` > `set_tag` > `update_run_info`, MLflow 3.17.2).
MOST_SESSIONS = 4


def spread(draft: Draft) -> Iterator[Fault]:
    """What has to stand apart is more than one."""
    if draft.value("server.spread") != "required" or draft.number("server.replicas") != 1:
        return
    if draft.value("server.autoscaling") is None:
        yield Fault(
            "server.spread",
            "`required` keeps replicas apart, and server.replicas is 1",
            "leave it out, or take two replicas or more",
        )


def pool(draft: Draft) -> Iterator[Fault]:
    """A request gets all the connections it needs, when it is alone."""
    size, overflow = draft.number("server.poolSize"), draft.number("server.poolOverflow")
    if size is None or overflow is None or size + overflow >= MOST_SESSIONS:
        return
    yield Fault(
        "server.poolSize",
        f"poolSize {size} + poolOverflow {overflow} = {size + overflow} connections; expected at least {MOST_SESSIONS},"
        " which one request may hold at a time",
        f"set server.poolSize {MOST_SESSIONS - overflow}",
    )
