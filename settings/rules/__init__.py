"""Rules about settings of different sections: `RULES` find mistakes, `WARNINGS` find what a preview warns of.

Warnings are about settings that are allowed but probably unintended. A preview shows them and continues.
"""

from collections.abc import Callable, Iterator

from settings.faults import Fault
from settings.rules import (
    artifacts,
    aws,
    backups,
    cluster,
    database,
    external,
    gateway,
    login,
    network,
    profile,
    rds,
    retention,
    scheduling,
    server,
    serving,
    teams,
    workspaces,
)
from settings.schema.external import ExternalSettings
from settings.schema.stack import Settings

ExternalRules = tuple[Callable[[ExternalSettings], Iterator[Fault]], ...]
Rules = tuple[Callable[[Settings], Iterator[Fault]], ...]

RULES: Rules = (
    *profile.RULES,
    *login.RULES,
    *gateway.RULES,
    *cluster.RULES,
    *network.RULES,
    *teams.RULES,
    *serving.RULES,
    *database.RULES,
    *rds.RULES,
    *artifacts.RULES,
    *backups.RULES,
    *server.RULES,
    *scheduling.RULES,
    *retention.RULES,
    *workspaces.RULES,
    *aws.RULES,
)
WARNINGS: Rules = (
    *profile.WARNINGS,
    *login.WARNINGS,
    *teams.WARNINGS,
    *server.WARNINGS,
    *database.WARNINGS,
    *rds.WARNINGS,
    *backups.WARNINGS,
    *workspaces.WARNINGS,
)
EXTERNAL_RULES: ExternalRules = (
    *external.RULES,
    *network.RULES,
    *workspaces.RULES_WITHOUT_A_SERVER,
    *scheduling.RULES_WITHOUT_A_SERVER,
)
EXTERNAL_WARNINGS: ExternalRules = external.WARNINGS
