"""How many replicas there are, and how long each has for ending."""

from collections.abc import Iterator

from stackfile.draft import Draft
from stackfile.faults import Fault


def autoscaling(draft: Draft) -> Iterator[Fault]:
    """An autoscaler has something to choose from."""
    if not draft.says("server.autoscaling"):
        return
    least, most = draft.number("server.replicas"), draft.number("server.autoscaling.maxReplicas")
    if least is not None and most is not None and most <= least:
        yield Fault(
            "server.autoscaling.maxReplicas",
            f"expected more than server.replicas {least}, which is the least number of them; found {most}",
            f"set {least + 1} or more, or leave `autoscaling` out",
        )


def spread(draft: Draft) -> Iterator[Fault]:
    """What has to stand apart is more than one."""
    if draft.value("server.spread") != "required" or draft.number("server.replicas") != 1:
        return
    if not draft.says("server.autoscaling"):
        yield Fault(
            "server.spread",
            "`required` keeps replicas apart, and server.replicas is 1",
            "set server.replicas 2 or more, or leave `spread` out",
        )
