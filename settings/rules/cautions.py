"""Warnings: settings that are allowed but probably unintended. A preview shows them and continues."""

from collections.abc import Callable, Iterator

from settings.draft import Draft
from settings.faults import Fault
from settings.partial import findings, partial
from settings.rules import database, posture, rds, server, workspaces
from settings.schema.stack import Settings


def cautions(draft: Draft) -> Iterator[Fault]:
    """All warnings about a stack file."""
    for rule in CAUTIONS:
        yield from rule(draft)
    typed = (*server.WARNINGS, *database.WARNINGS, *rds.WARNINGS, *workspaces.WARNINGS)
    yield from findings(typed, partial(Settings, draft.written))


CAUTIONS: tuple[Callable[[Draft], Iterator[Fault]], ...] = (posture.discouraged,)
