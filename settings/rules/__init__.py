"""Rules about settings of different sections: what breaks one of `RULES` is a mistake, one of `WARNINGS` a warning.

Warnings are about settings that are allowed but probably unintended. A preview shows them and continues.
"""

from collections.abc import Callable, Iterator

from settings.faults import Fault
from settings.rules import artifacts, aws, cluster, database, gateway, login, profile, rds, server, teams, workspaces
from settings.schema.stack import Settings

Rules = tuple[Callable[[Settings], Iterator[Fault]], ...]

RULES: Rules = (
    *profile.RULES,
    *login.RULES,
    *gateway.RULES,
    *cluster.RULES,
    *teams.RULES,
    *database.RULES,
    *rds.RULES,
    *artifacts.RULES,
    *server.RULES,
    *workspaces.RULES,
    *aws.RULES,
)
WARNINGS: Rules = (
    *profile.WARNINGS,
    *server.WARNINGS,
    *database.WARNINGS,
    *rds.WARNINGS,
    *workspaces.WARNINGS,
)
