"""A panel of the dashboard, and its form in Grafana's JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Grafana's grid has 24 columns.
WIDTH, HEIGHT = 8, 7
COLUMNS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A query of a panel."""

    expression: str
    """PromQL. The number of series is bounded, whatever teams store and clients send."""

    legend: str = ""
    """Template of the series' names in the legend, for example `{{code}}`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A diagram of one or several queries over time, or their last values as numbers."""

    title: str
    description: str = ""
    unit: Literal["short", "reqps", "s", "bytes", "percentunit", "cps"] = "short"
    """Grafana's id of the unit."""

    queries: Sequence[Query]
    kind: Literal["timeseries", "stat"] = "timeseries"

    def document(self, identity: int, place: int, top: int) -> dict[str, object]:
        """The panel in Grafana's JSON; `place` is its number within a row of panels that begins at line `top`."""
        return {
            "id": identity,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {
                "x": place % COLUMNS * WIDTH,
                "y": top + place // COLUMNS * HEIGHT,
                "w": WIDTH,
                "h": HEIGHT,
            },
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0}, "overrides": []},
            "options": {},
            "targets": [
                {
                    "refId": chr(ord("A") + number),
                    "datasource": DATASOURCE,
                    "expr": query.expression,
                    "legendFormat": query.legend or "__auto",
                }
                for number, query in enumerate(self.queries)
            ],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Panels under one title."""

    title: str
    panels: Sequence[Panel]

    @property
    def height(self) -> int:
        """Height of the row in Grafana's grid units, including the title."""
        return 1 + -(-len(self.panels) // COLUMNS) * HEIGHT

    def document(self, identity: int, top: int) -> dict[str, object]:
        """The row's title in Grafana's JSON."""
        return {
            "id": identity,
            "type": "row",
            "title": self.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": 24, "h": 1},
            "panels": [],
        }
