"""Rules about settings of different sections: what breaks one of `RULES` is a mistake, one of `WARNINGS` a warning.

Warnings are about settings that are allowed but probably unintended. A preview shows them and continues.
"""

from collections.abc import Callable, Iterator

from settings.draft import untyped
from settings.faults import Fault
from settings.rules import aws, cautions, cluster, contradictions, gateway, login, profile, teams
from settings.schema.stack import Settings

Rules = tuple[Callable[[Settings], Iterator[Fault]], ...]

RULES: Rules = (
    *profile.RULES,
    *login.RULES,
    *gateway.RULES,
    *cluster.RULES,
    *teams.RULES,
    *map(untyped, contradictions.RULES),
    *aws.RULES,
)
WARNINGS: Rules = (
    *profile.WARNINGS,
    *map(untyped, cautions.CAUTIONS),
)
