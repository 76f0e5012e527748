"""The section `monitoring`."""

from typing import Literal

from pydantic import Field

from settings.schema.base import Model
from settings.types import values


class Monitoring(Model):
    """Metrics, alert rules and dashboard, for a Prometheus and a Grafana of the cluster (docs/monitoring.md)."""

    metrics: Literal["none", "annotations", "service-monitor"] = "none"
    """Discovery of the metrics: ServiceMonitor and PrometheusRule of the Prometheus operator (`service-monitor`), or
    annotations `prometheus.io/scrape` on Services (`annotations`). With `none` no component serves metrics. On a
    cluster without the operator's kinds, a preview with `service-monitor` fails."""

    namespace: values.ObjectName = "monitoring"
    """Namespace of Prometheus' pods; NetworkPolicies allow their connections to the metrics' ports."""

    pod_labels: dict[str, values.Plain] = Field(
        default_factory=lambda: {"app.kubernetes.io/name": "prometheus"}, min_length=1
    )
    """Labels of Prometheus' pods."""

    labels: dict[str, values.Plain] = Field(default_factory=dict[str, str])
    """Labels of ServiceMonitor and PrometheusRule, by which the operator's Prometheus selects them; for example
    `release: kube-prometheus-stack`."""

    rules: values.Flag = True
    """Create the alert rules as a PrometheusRule, with `service-monitor`."""

    dashboard: values.Flag = True
    """Create the dashboard as a ConfigMap with the label `grafana_dashboard: "1"`, unless `metrics` is `none`."""

    @property
    def served(self) -> bool:
        """True if the components serve metrics."""
        return self.metrics != "none"
