"""What is allowed and worth a second look: shown at preview beside what is refused, and stops nothing."""

from collections.abc import Callable, Iterator

from stackfile import posture
from stackfile.budget import connections, server
from stackfile.draft import Draft
from stackfile.faults import Fault


def cautions(draft: Draft) -> Iterator[Fault]:
    """Every warning about a stack file."""
    for rule in CAUTIONS:
        yield from rule(draft)


def single(draft: Draft) -> Iterator[Fault]:
    """Production goes on while a node is drained."""
    if draft.value("profile") == "production" and draft.number("server.replicas") == 1:
        yield Fault(
            "server.replicas",
            "one pod serves everybody: while its node is drained or lost there is no MLflow",
            "set server.replicas 2",
        )


CAUTIONS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    posture.questionable,
    single,
    connections.unjudged,
    server.promised,
)
