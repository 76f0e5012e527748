"""The instance classes of RDS that PostgreSQL 17 runs on, and their memory.

From https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html: general-purpose
classes have 4 GiB a virtual CPU, memory-optimised ones 8. Left out are those that people buy for special reasons.
"""

from types import MappingProxyType

GIBIBYTE = 2**30
# Memory in GiB of the sizes of a family; the first number of its general-purpose members.
_BURSTABLE = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}
_GENERAL = {
    "large": 8,
    "xlarge": 16,
    "2xlarge": 32,
    "4xlarge": 64,
    "8xlarge": 128,
    "12xlarge": 192,
    "16xlarge": 256,
    "24xlarge": 384,
}
_OPTIMISED = {size: 2 * memory for size, memory in _GENERAL.items()}
# Graviton of the generations 6 and 7 ends at 16xlarge.
_SMALLER = frozenset({"m6g", "m6gd", "m7g", "r6g", "r6gd", "r7g"})
_FAMILIES = {
    **dict.fromkeys(("t3", "t4g"), _BURSTABLE),
    **dict.fromkeys(("m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m7g", "m7i", "m8g"), _GENERAL),
    **dict.fromkeys(("r5", "r5d", "r6g", "r6gd", "r6i", "r6id", "r7g", "r7i", "r8g"), _OPTIMISED),
}

MEMORY = MappingProxyType(
    {
        f"db.{family}.{size}": memory * GIBIBYTE
        for family, sizes in _FAMILIES.items()
        for size, memory in sizes.items()
        if not (family in _SMALLER and size == "24xlarge")
    }
)
"""Bytes by class."""
