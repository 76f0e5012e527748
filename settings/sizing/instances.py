"""Default `max_connections` of RDS instance classes, estimated from their memory."""

import re

from settings.types.quantities import GIBIBYTE

# Default parameter groups of RDS for PostgreSQL set max_connections to LEAST({DBInstanceClassMemory/9531392}, 5000).
BYTES_PER_CONNECTION = 9_531_392
HIGHEST_DEFAULT = 5000
# DBInstanceClassMemory is the class's memory without the operating system and RDS's own processes. AWS does not publish
# how much they use; a tenth is assumed. database.maxConnections overrides the result.
USABLE = 0.9
# Memory in GiB of the burstable classes (t3, t4g), and per vCPU of the other families ("Hardware specifications for DB
# instance classes" in the RDS user guide).
BURSTABLE = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
GIB_PER_CPU = {"m": 4, "r": 8, "x": 16}
_BURSTABLE = re.compile(r"db\.t(?:3|4g)\.([a-z0-9]+)")
# Without x1, which has another ratio of memory to vCPUs.
_OTHERS = re.compile(r"db\.(m[5-9]|r[5-9]|x2)[a-z]*\.(?:(large)|([0-9]*)xlarge)")
SIZES = ("large", "xlarge", *(f"{times}xlarge" for times in (2, 4, 8, 12, 16, 24)))


def memory(instance_class: str) -> int | None:
    """Memory of an RDS instance class in bytes; None for an unknown class."""
    if small := _BURSTABLE.fullmatch(instance_class):
        gibibytes = BURSTABLE.get(small[1])
        return None if gibibytes is None else gibibytes * GIBIBYTE
    if other := _OTHERS.fullmatch(instance_class):
        cpus = 2 if other[2] else 4 * int(other[3] or 1)
        return cpus * GIB_PER_CPU[other[1][0]] * GIBIBYTE
    return None


def max_connections(instance_class: str) -> int | None:
    """Default `max_connections` of an RDS instance class; None for an unknown class."""
    size = memory(instance_class)
    return None if size is None else min(int(size * USABLE / BYTES_PER_CONNECTION), HIGHEST_DEFAULT)


def smallest(instance_class: str, connections: int) -> str | None:
    """The smallest class in the family of `instance_class` that allows `connections` connections; None if none does."""
    family = instance_class.rpartition(".")[0]
    sizes = BURSTABLE if _BURSTABLE.fullmatch(instance_class) else SIZES
    return next(
        (name for size in sizes if (max_connections(name := f"{family}.{size}") or 0) >= connections),
        None,
    )
