"""Check that all connection pools together fit into the database's `max_connections`."""

from collections.abc import Iterator
from dataclasses import dataclass

from settings.draft import Draft
from settings.faults import Fault
from settings.rules import serving
from settings.sizing import instances, postgres
from settings.sizing.pools import JOB_CONNECTIONS, RESERVED, Demand, demand
from settings.sizing.remedies import either, setting

# RDS reserves 2 more for its own role (rds.rds_superuser_reserved_connections).
RESERVED_BY_RDS = 2
# A class whose family has classes with the highest limit that RDS sets by default; burstable families have none.
GENERAL_PURPOSE = "db.m7g.large"


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Connection limit of the database, the reserved part of it, and where the limit is set."""

    most: int
    reserved: int
    source: str

    @property
    def available(self) -> int:
        """Connections available to the platform."""
        return self.most - self.reserved

    def __str__(self) -> str:
        """The calculation of the available connections, as text for messages."""
        return f"{self.most} ({self.source}) - {self.reserved} reserved = {self.available}"


def supply(draft: Draft) -> Supply | None:
    """The database's connection limit and the reserved part of it; None if the limit is unknown."""
    said, kind = draft.number("database.maxConnections"), draft.text("database.kind")
    reserved = RESERVED + (RESERVED_BY_RDS if kind == "rds" else 0)
    if said is not None:
        source = f"database.maxConnections, {draft.origin('database.maxConnections')}"
        return Supply(most=said, reserved=reserved, source=source)
    chosen = draft.text("database.instanceClass")
    most = instances.max_connections(chosen) if kind == "rds" and chosen else None
    return most if most is None else Supply(most=most, reserved=reserved, source=f"database.instanceClass {chosen}")


def connections(draft: Draft) -> Iterator[Fault]:
    """Check that all connection pools together fit into the database's connection limit."""
    wanted, limit = demand(draft), supply(draft)
    if wanted is not None and limit is not None and wanted.total > limit.available:
        yield Fault(
            "server.poolSize",
            f"{wanted}; expected at most {limit}",
            either(_ways(draft, wanted, limit)),
        )


def unknown_class(draft: Draft) -> Iterator[Fault]:
    """Check that the connection limit of the RDS instance class is known, or `database.maxConnections` is set."""
    chosen = draft.text("database.instanceClass")
    if draft.text("database.kind") == "rds" and chosen and supply(draft) is None:
        yield Fault(
            "database.instanceClass",
            f"connection limit of {chosen} is unknown, so pool sizes cannot be checked",
            "add database.maxConnections with what `SHOW max_connections` prints on an instance of this class",
        )


def unlimited(draft: Draft) -> Iterator[Fault]:
    """Warn if the connection limit of an external database is not set."""
    if draft.text("database.kind") == "external" and (wanted := demand(draft)) and supply(draft) is None:
        yield Fault(
            "database.maxConnections",
            f"is not set, so pool sizes cannot be checked: they need {wanted}",
            "add the value that `SHOW max_connections` prints on the server",
        )


def _ways(draft: Draft, wanted: Demand, limit: Supply) -> Iterator[str]:
    room = limit.available - JOB_CONNECTIONS
    pool = room // wanted.pools
    if pool >= serving.MOST_SESSIONS:
        kept = min(wanted.size, pool)
        yield setting({"server.poolSize": kept, "server.poolOverflow": pool - kept})
    of_one = wanted.workers * (wanted.size + wanted.overflow)
    yield from wanted.pods.fewer(room // of_one - wanted.pods.surge)
    needed = wanted.total + limit.reserved
    match draft.text("database.kind"):
        case "in-cluster":
            yield from postgres.with_connections(draft, needed)
            yield "use a larger database with database.kind `external`"
        case "rds" if not draft.says("database.maxConnections"):
            chosen = draft.text("database.instanceClass") or ""
            larger = instances.smallest(chosen, needed) or instances.smallest(GENERAL_PURPOSE, needed)
            if larger:
                yield setting({"database.instanceClass": larger})
            else:
                yield (
                    f"raise the limit with database.maxConnections {needed} (the default is at most "
                    f"{instances.MOST_CONNECTIONS} for every instance class)"
                )
        case _:
            yield f"raise the database's own limit, and set database.maxConnections {needed}"
