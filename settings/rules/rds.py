"""Checks for RDS settings that contradict each other."""

from collections import Counter
from collections.abc import Iterator

from settings.draft import Draft, texts
from settings.faults import Fault, shown
from settings.schema.rds import ADMINISTRATOR
from settings.types.amazon import MOST_STORAGE, gibibytes

# RDS requires subnets in two zones, even without a standby.
FEWEST_SUBNETS = 2
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, HOUR = 24 * 60, 60
WEEK = len(DAYS) * DAY
SHORTEST_WINDOW = 30
# Names that RDS and PostgreSQL reserve.
OWN_DATABASES = frozenset({"postgres", "rdsadmin", "template0", "template1"})
OWN_PREFIXES = ("rds", "pg_")
OWN_USERS = frozenset({"postgres", "admin", "public", ADMINISTRATOR})
SHORT_INSIGHTS, LONG_INSIGHTS, MONTH = 7, 731, 31
# RDS grows the volume only if the maximum is at least a tenth above its size.
GROWTH = 1.1


def rds(draft: Draft) -> Iterator[Fault]:
    """Run all checks of the settings of database kind `rds`."""
    if draft.text("database.kind") == "rds":
        for rule in (_networks, _names, _storage, _backups, _windows, _insights):
            yield from rule(draft)


def _networks(draft: Draft) -> Iterator[Fault]:
    for key in ("subnets", "clientSecurityGroups"):
        for name, times in Counter(texts(draft.value(f"database.{key}"))).items():
            if times > 1:
                yield Fault(f"database.{key}", f"lists {shown(name)} {times} times", "list it once")
    subnets = texts(draft.value("database.subnets"))
    if 0 < len(subnets) < FEWEST_SUBNETS:
        yield Fault(
            "database.subnets",
            f"expected at least {FEWEST_SUBNETS} subnets in different zones, found {len(subnets)}",
            "add a private subnet in another zone: RDS needs two zones, even without a standby",
        )


def _names(draft: Draft) -> Iterator[Fault]:
    for key, own in (("name", OWN_DATABASES), ("user", OWN_USERS)):
        found = draft.text(f"database.{key}") or ""
        if found in own or found.startswith(OWN_PREFIXES):
            yield Fault(f"database.{key}", f"{shown(found)} is reserved by RDS or PostgreSQL", "choose another name")


def _storage(draft: Draft) -> Iterator[Fault]:
    said = [draft.text(f"database.{key}") for key in ("storage", "maxStorage")]
    if None in said:
        return
    storage, most = (gibibytes(size) for size in said if size)
    least = min(int(storage * GROWTH) + 1, MOST_STORAGE)
    if most < least:
        yield Fault(
            "database.maxStorage",
            f"expected at least a tenth more than database.storage {storage} GiB, found {most} GiB",
            f'raise database.maxStorage to "{least}Gi" or more, or remove it',
        )


def _backups(draft: Draft) -> Iterator[Fault]:
    if draft.number("database.backupDays") != 0:
        return
    if draft.value("profile") == "production":
        yield Fault(
            "database.backupDays", "must not be 0 with profile `production`", "keep backups for at least one day"
        )
    elif draft.says("database.backupWindow"):
        yield Fault(
            "database.backupWindow",
            "is not used: database.backupDays is 0",
            "remove database.backupWindow, or raise database.backupDays",
        )


def _windows(draft: Draft) -> Iterator[Fault]:
    daily, weekly = (_window(draft.text(f"database.{key}")) for key in ("backupWindow", "maintenanceWindow"))
    fits = True
    for key, found in (("backupWindow", daily), ("maintenanceWindow", weekly)):
        if found is not None and not SHORTEST_WINDOW <= len(found) < DAY:
            fits = False
            yield Fault(
                f"database.{key}",
                f"expected {SHORTEST_WINDOW} minutes to 24 hours, found {len(found)} minutes",
                "let the window end later" if len(found) < SHORTEST_WINDOW else "let the window end earlier",
            )
    if fits and daily and weekly and {minute % DAY for minute in weekly} & {minute % DAY for minute in daily}:
        yield Fault(
            "database.maintenanceWindow",
            f"{draft.text('database.maintenanceWindow')} overlaps database.backupWindow"
            f" {draft.text('database.backupWindow')}, which RDS does not allow",
            "let one window begin after the other has ended",
        )


def _window(text: str | None) -> range | None:
    """The minutes in a window; minute 0 is the start of the day for a daily window, of the week for a weekly one.

    The range may continue into the next day or week.
    """
    if text is None:
        return None
    begin, end = (_minute(part) for part in text.split("-"))
    span = WEEK if text[0].isalpha() else DAY
    return range(begin, end if end > begin else end + span)


def _minute(text: str) -> int:
    day = DAYS.index(text[:3]) if text[0].isalpha() else 0
    hour, minute = map(int, text.removeprefix(f"{text[:3]}:" if text[0].isalpha() else "").split(":"))
    return day * DAY + hour * HOUR + minute


def _insights(draft: Draft) -> Iterator[Fault]:
    days = draft.number("database.performanceInsightsDays")
    if days is None or days in (0, SHORT_INSIGHTS, LONG_INSIGHTS) or days % MONTH == 0:
        return
    possible = [SHORT_INSIGHTS, LONG_INSIGHTS, *range(MONTH, LONG_INSIGHTS, MONTH)]
    nearest = min(possible, key=lambda one: abs(one - days))
    yield Fault(
        "database.performanceInsightsDays",
        f"expected {SHORT_INSIGHTS}, {LONG_INSIGHTS} or a multiple of {MONTH}, found {days}",
        f"the nearest possible number is {nearest}",
    )


RULES = (rds,)
