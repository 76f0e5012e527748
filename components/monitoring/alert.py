"""`Alert`, the settings that alerts depend on (`Watched`), and the format of alerts in Prometheus' rule files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from components.monitoring.target import Target

RUNBOOK = "docs/alerts.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """The settings of a stack that alerts and dashboard depend on."""

    namespace: str
    host: str
    teams: Sequence[str]
    """Namespaces of the teams."""

    replicas: int
    """Smallest number of server pods; 0 while the server is paused."""

    targets: Sequence[Target]
    database_bytes: int | None
    """Size of the in-cluster database's volume; None if the database is elsewhere."""

    def has(self, target: Target) -> bool:
        """True if the stack has this target."""
        return target in self.targets

    def series(self, metric: str, *targets: Target, more: str = "") -> str:
        """PromQL selector of a metric's series from some targets; `more` contains further label matchers."""
        services = "|".join(target.service for target in targets)
        matcher = f'service="{services}"' if len(targets) == 1 else f'service=~"{services}"'
        return f'{metric}{{namespace="{self.namespace}",{matcher}{"," if more else ""}{more}}}'

    def present(self, *targets: Target) -> list[Target]:
        """The targets among `targets` that the stack has."""
        return [target for target in targets if self.has(target)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """An alert; the page `RUNBOOK` has a section with its name."""

    name: str
    expression: str
    """PromQL; the alert is active for each series in the result."""

    minutes: int
    """Time for which the alert has to be active before it fires."""

    severity: Literal["critical", "warning"]
    """`critical`: people cannot work, or data are at risk; somebody has to look now. `warning`: it can wait a day."""

    summary: str
    needs: str = ""
    """Exporter of the metrics, if it is not part of the platform; empty for the platform's own metrics. Without these
    metrics the alert never fires."""

    @property
    def runbook(self) -> str:
        """URL of the runbook's section about the alert."""
        return f"{RUNBOOK}#{self.name.lower()}"

    def rule(self) -> dict[str, object]:
        """The alert as a Prometheus rule."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": f"{self.minutes}m",
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "runbook": self.runbook},
        }


def group(watched: Watched, subject: str, alerts: Iterable[Alert]) -> dict[str, object]:
    """A Prometheus rule group. Its name contains the namespace, because a Prometheus may watch several platforms."""
    return {"name": f"{watched.namespace}-{subject}", "rules": [alert.rule() for alert in alerts]}
