"""How many connections an RDS instance class admits."""

import re

GIBIBYTE = 2**30
# `max_connections` of RDS for PostgreSQL is LEAST({DBInstanceClassMemory/9531392}, 5000), says its parameter group.
BYTES_PER_CONNECTION = 9_531_392
MOST_CONNECTIONS = 5000
# DBInstanceClassMemory is the class's memory less what the operating system and RDS's own processes take. AWS does not
# publish how much that is; a tenth is assumed. `SHOW max_connections` tells, for database.maxConnections.
USABLE = 0.9
# GiB of the burstable classes (t3, t4g), and GiB for each vCPU of the other families ("Hardware specifications for DB
# instance classes" in the RDS user guide).
BURSTABLE = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
GIB_PER_CPU = {"m": 4, "r": 8, "x": 16}
_BURSTABLE = re.compile(r"db\.t(?:3|4g)\.([a-z0-9]+)")
# x1 has a ratio of its own.
_OTHERS = re.compile(r"db\.(m[5-9]|r[5-9]|x2)[a-z]*\.(?:(large)|([0-9]*)xlarge)")
SIZES = ("large", "xlarge", *(f"{times}xlarge" for times in (2, 4, 8, 12, 16, 24)))


def memory(instance_class: str) -> int | None:
    """A class's memory in bytes; None for a class that this table does not know."""
    if small := _BURSTABLE.fullmatch(instance_class):
        gibibytes = BURSTABLE.get(small[1])
        return None if gibibytes is None else gibibytes * GIBIBYTE
    if other := _OTHERS.fullmatch(instance_class):
        cpus = 2 if other[2] else 4 * int(other[3] or 1)
        return cpus * GIB_PER_CPU[other[1][0]] * GIBIBYTE
    return None


def max_connections(instance_class: str) -> int | None:
    """The connections that a class admits by default; None for a class that this table does not know."""
    found = memory(instance_class)
    return None if found is None else min(int(found * USABLE / BYTES_PER_CONNECTION), MOST_CONNECTIONS)


def smallest(instance_class: str, connections: int) -> str | None:
    """The smallest class of the same family that admits so many connections; None where none does."""
    family = instance_class.rpartition(".")[0]
    sizes = BURSTABLE if _BURSTABLE.fullmatch(instance_class) else SIZES
    return next(
        (name for size in sizes if (max_connections(name := f"{family}.{size}") or 0) >= connections),
        None,
    )
