"""Where the server's replicas stand."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault


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
