"""Rules of the section `database` with kind `rds`."""

from collections import Counter
from collections.abc import Callable, Iterator

from settings.faults import Fault, setting, shown
from settings.partial import key, known
from settings.schema.rds import ADMINISTRATOR, RdsDatabase
from settings.schema.stack import Settings
from settings.sizing.connections import supply
from settings.types.amazon import MOST_STORAGE, size_in_gibibytes

# RDS requires subnets in two zones, even without a standby.
FEWEST_SUBNETS = 2
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, HOUR = 24 * 60, 60
WEEK = len(DAYS) * DAY
# Minutes that a window may last.
LENGTHS = range(30, DAY)
# Names that RDS and PostgreSQL reserve.
OWN_DATABASES = frozenset({"postgres", "rdsadmin", "template0", "template1"})
OWN_PREFIXES = ("rds", "pg_")
OWN_USERS = frozenset({"postgres", "admin", "public", ADMINISTRATOR})
SHORT_INSIGHTS, LONG_INSIGHTS, MONTH = 7, 731, 31
# RDS grows the volume only if the maximum is at least a tenth above its size.
GROWTH = 1.1


Field = Callable[[RdsDatabase], str]


def rds(settings: Settings) -> Iterator[Fault]:
    """All mistakes in the settings of database kind `rds`."""
    database = settings.database
    if not isinstance(database, RdsDatabase):
        return
    for faults in (
        _repeated(database, lambda one: one.subnets),
        _repeated(database, lambda one: one.client_security_groups),
        _zones(database),
        _reserved(database, lambda one: one.name, OWN_DATABASES),
        _reserved(database, lambda one: one.user, OWN_USERS),
        _storage(database),
        _connections(database),
        _backups(settings, database),
        _length(database, lambda one: one.backup_window),
        _length(database, lambda one: one.maintenance_window),
        _overlap(database),
        _insights(database),
    ):
        yield from known(faults)


def _repeated(database: RdsDatabase, field: Callable[[RdsDatabase], tuple[str, ...]]) -> Iterator[Fault]:
    for name, times in Counter(field(database)).items():
        if times > 1:
            yield Fault(key(database, field), f"lists {shown(name)} {times} times", "list it once")


def _zones(database: RdsDatabase) -> Iterator[Fault]:
    if len(database.subnets) < FEWEST_SUBNETS:
        yield Fault(
            key(database, lambda one: one.subnets),
            f"expected at least {FEWEST_SUBNETS} subnets in different zones, found {len(database.subnets)}",
            "add a private subnet in another zone: RDS needs two zones, even without a standby",
        )


def _reserved(database: RdsDatabase, field: Field, names: frozenset[str]) -> Iterator[Fault]:
    name = field(database)
    if name in names or name.startswith(OWN_PREFIXES):
        yield Fault(key(database, field), f"{shown(name)} is reserved by RDS or PostgreSQL", "choose another name")


def _storage(database: RdsDatabase) -> Iterator[Fault]:
    if database.max_storage is None:
        return
    storage, most = size_in_gibibytes(database.storage), size_in_gibibytes(database.max_storage)
    least = min(int(storage * GROWTH) + 1, MOST_STORAGE)
    if most < least:
        path = key(database, lambda one: one.max_storage)
        yield Fault(
            path,
            f"expected at least a tenth more than {key(database, lambda one: one.storage)} {storage} GiB, found {most}"
            " GiB",
            f'raise {path} to "{least}Gi" or more, or remove it',
        )


def _connections(database: RdsDatabase) -> Iterator[Fault]:
    if supply(database) is None:
        yield Fault(
            key(database, lambda one: one.instance_class),
            f"connection limit of {database.instance_class} is unknown, so pool sizes cannot be checked",
            f"add {key(database, lambda one: one.max_connections)} with what `SHOW max_connections` prints on an"
            " instance of this class",
        )


def _length(database: RdsDatabase, field: Field) -> Iterator[Fault]:
    minutes = len(_window(field(database)))
    if minutes not in LENGTHS:
        yield Fault(
            key(database, field),
            f"expected {LENGTHS.start} minutes to 24 hours, found {minutes} minutes",
            "let the window end later" if minutes < LENGTHS.start else "let the window end earlier",
        )


def _overlap(database: RdsDatabase) -> Iterator[Fault]:
    daily, weekly = _window(database.backup_window), _window(database.maintenance_window)
    fit = len(daily) in LENGTHS and len(weekly) in LENGTHS
    if fit and {minute % DAY for minute in weekly} & {minute % DAY for minute in daily}:
        yield Fault(
            key(database, lambda one: one.maintenance_window),
            f"{database.maintenance_window} overlaps {key(database, lambda one: one.backup_window)}"
            f" {database.backup_window}, which RDS does not allow",
            "let one window begin after the other has ended",
        )


def _window(text: str) -> range:
    """The minutes in a window; minute 0 is the start of the day for a daily window, of the week for a weekly one.

    The range may continue into the next day or week.
    """
    begin, end = (_minute(part) for part in text.split("-"))
    span = WEEK if text[0].isalpha() else DAY
    return range(begin, end if end > begin else end + span)


def _minute(text: str) -> int:
    day = DAYS.index(text[:3]) if text[0].isalpha() else 0
    hour, minute = map(int, text.removeprefix(f"{text[:3]}:" if text[0].isalpha() else "").split(":"))
    return day * DAY + hour * HOUR + minute


def _insights(database: RdsDatabase) -> Iterator[Fault]:
    days = database.performance_insights_days
    if days in (0, SHORT_INSIGHTS, LONG_INSIGHTS) or days % MONTH == 0:
        return
    possible = [SHORT_INSIGHTS, LONG_INSIGHTS, *range(MONTH, LONG_INSIGHTS, MONTH)]
    nearest = min(possible, key=lambda one: abs(one - days))
    yield Fault(
        key(database, lambda one: one.performance_insights_days),
        f"expected {SHORT_INSIGHTS}, {LONG_INSIGHTS} or a multiple of {MONTH}, found {days}",
        f"the nearest possible number is {nearest}",
    )


def _backups(settings: Settings, database: RdsDatabase) -> Iterator[Fault]:
    if database.backup_days != 0:
        return
    days, window = key(database, lambda one: one.backup_days), key(database, lambda one: one.backup_window)
    if settings.profile == "production":
        yield Fault(days, "must not be 0 with profile `production`", "keep backups for at least one day")
    elif window.written:
        yield Fault(window, f"is not used: {days} is 0", f"remove {window}, or raise {days}")


def no_standby(settings: Settings) -> Iterator[Fault]:
    """Warn about an instance without a standby in production."""
    database = settings.database
    if isinstance(database, RdsDatabase) and settings.profile == "production" and not database.multi_az:
        path = key(database, lambda one: one.multi_az)
        yield Fault(
            path,
            "without a standby, a failure of the database instance or its zone takes MLflow down for minutes to hours",
            setting({path: True}),
        )


def changed_limit(settings: Settings) -> Iterator[Fault]:
    """Warn that RDS applies a changed connection limit only after a reboot, while the sums use it at once."""
    database = settings.database
    if isinstance(database, RdsDatabase) and (path := key(database, lambda one: one.max_connections)).written:
        yield Fault(
            path,
            "RDS applies the value at the instance's next restart, but pool sizes are checked against it immediately",
            f"after the `up` that changes {path}, restart the instance, and raise the pool sizes in a later `up`",
        )


def no_backups(settings: Settings) -> Iterator[Fault]:
    """Warn, with profile `small`, about an instance without backups."""
    database = settings.database
    if isinstance(database, RdsDatabase) and settings.profile == "small" and database.backup_days == 0:
        path = key(database, lambda one: one.backup_days)
        yield Fault(path, "without backups, data that is deleted by mistake cannot be restored", setting({path: 7}))


RULES = (rds,)
WARNINGS = (no_standby, changed_limit, no_backups)
