"""Database connections: what all pools together may open, against what the database admits."""

from collections.abc import Iterator
from dataclasses import dataclass

from stackfile import serving
from stackfile.budget import instances, postgres
from stackfile.budget.pools import JOB_CONNECTIONS, RESERVED, Demand, demand
from stackfile.budget.remedies import either, setting
from stackfile.draft import Draft
from stackfile.faults import Fault

# RDS keeps 2 more for its own role (rds.rds_superuser_reserved_connections).
RESERVED_BY_RDS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """What a database admits."""

    most: int
    reserved: int
    source: str

    @property
    def admitted(self) -> int:
        """Connections that are left for the platform."""
        return self.most - self.reserved

    def __str__(self) -> str:
        """The sum, written out."""
        return f"{self.most} ({self.source}) - {self.reserved} in reserve = {self.admitted}"


def supply(draft: Draft) -> Supply | None:
    """What the database admits; None where nobody said."""
    said, kind = draft.number("database.maxConnections"), draft.text("database.kind")
    reserved = RESERVED + (RESERVED_BY_RDS if kind == "rds" else 0)
    if said is not None:
        source = f"database.maxConnections, {draft.origin('database.maxConnections')}"
        return Supply(most=said, reserved=reserved, source=source)
    chosen = draft.text("database.instanceClass")
    most = instances.max_connections(chosen) if kind == "rds" and chosen else None
    return most if most is None else Supply(most=most, reserved=reserved, source=f"database.instanceClass {chosen}")


def connections(draft: Draft) -> Iterator[Fault]:
    """All pools together fit into what the database admits."""
    wanted, given = demand(draft), supply(draft)
    if wanted is not None and given is not None and wanted.total > given.admitted:
        yield Fault(
            "server.poolSize",
            f"{wanted}; expected at most {given}",
            either(_ways(draft, wanted, given)),
        )


def unknown_class(draft: Draft) -> Iterator[Fault]:
    """What an instance class admits is known, or said."""
    chosen = draft.text("database.instanceClass")
    if draft.text("database.kind") == "rds" and chosen and supply(draft) is None:
        yield Fault(
            "database.instanceClass",
            f"nobody knows here how many connections {chosen} admits, so that pools cannot be judged",
            "add database.maxConnections, which `SHOW max_connections` on such an instance tells",
        )


def unjudged(draft: Draft) -> Iterator[Fault]:
    """Somebody else's database has a limit that is known here."""
    if draft.text("database.kind") == "external" and (wanted := demand(draft)) and supply(draft) is None:
        yield Fault(
            "database.maxConnections",
            f"is not said, so that nobody judges whether {wanted} fit",
            "add what `SHOW max_connections` tells on the server",
        )


def _ways(draft: Draft, wanted: Demand, given: Supply) -> Iterator[str]:
    room = given.admitted - JOB_CONNECTIONS
    pool = room // wanted.pools
    if pool >= serving.MOST_SESSIONS:
        kept = min(wanted.size, pool)
        yield setting({"server.poolSize": kept, "server.poolOverflow": pool - kept})
    of_one = wanted.workers * (wanted.size + wanted.overflow)
    yield from wanted.pods.fewer(room // of_one - wanted.pods.surge)
    needed = wanted.total + given.reserved
    match draft.text("database.kind"):
        case "in-cluster":
            yield from postgres.admitting(draft, needed)
            yield "take a larger database.kind `external`"
        case "rds" if not draft.says("database.maxConnections"):
            larger = instances.smallest(draft.text("database.instanceClass") or "", needed)
            yield setting({"database.instanceClass": larger}) if larger else "take a larger family of instance classes"
        case _:
            yield f"raise the database's own limit, and set database.maxConnections {needed}"
