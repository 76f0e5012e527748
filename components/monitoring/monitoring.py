"""Discovery of the metrics: a Service and a NetworkPolicy for each target, alert rules, and the dashboard.

A new target changes no pods: its Service and its NetworkPolicy select the pods by their labels. Other NetworkPolicies
open the pods' other ports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.kubernetes import networks
from components.kubernetes.pods import PART_OF
from components.monitoring.target import LABEL, PORT_NAME, Target

core = k8s.core.v1
net = k8s.networking.v1

LABELS = {"app.kubernetes.io/part-of": PART_OF}
OPERATOR = "monitoring.coreos.com"
# A paused server has no pods, for which Pulumi would wait.
NO_WAIT = {"pulumi.com/skipAwait": "true"}
# Grafana's sidecar imports ConfigMaps with this label.
DASHBOARD_LABEL = {"grafana_dashboard": "1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Objects for the Prometheus operator."""

    labels: Mapping[str, str]
    """Labels by which the operator's Prometheus selects ServiceMonitors and PrometheusRules."""

    rules: Mapping[str, object] | None
    """Spec of the PrometheusRule; None creates no PrometheusRule."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonitoringArgs:
    """Input of `Monitoring`."""

    namespace: pulumi.Input[str]
    targets: Sequence[Target]
    scraper_namespace: str
    """Namespace of Prometheus' pods."""

    scraper_labels: Mapping[str, str]
    """Labels of Prometheus' pods."""

    operator: Operator | None
    """None means annotations instead of the operator's kinds."""

    dashboard: str | None
    """The dashboard as JSON; None creates no dashboard."""


class Monitoring(pulumi.ComponentResource):
    """Services and NetworkPolicies of the targets, and the objects from which Prometheus and Grafana are configured."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:Monitoring", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for target in args.targets:
            _service(name, target, args, child)
            _network(name, target, args, child)
        if args.operator is not None:
            _service_monitor(name, args, args.operator, child)
            if args.operator.rules is not None:
                _rules(name, args, args.operator, args.operator.rules, child)
        if args.dashboard is not None:
            core.ConfigMap(
                f"{name}-dashboard",
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels={**LABELS, **DASHBOARD_LABEL}),
                data={"mlflow-platform.json": args.dashboard},
                opts=child,
            )
        self.register_outputs({})


def _service(name: str, target: Target, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    annotations = dict(NO_WAIT)
    if args.operator is None:
        annotations |= {"prometheus.io/scrape": "true", "prometheus.io/port": str(target.port)}
    core.Service(
        f"{name}-{target.name}",
        # Explicit name: it is a label of the series, by which alerts and dashboard select them.
        metadata=k8s.meta.v1.ObjectMetaArgs(
            namespace=args.namespace,
            name=target.service,
            labels={**LABELS, LABEL: target.name},
            annotations=annotations,
        ),
        spec=core.ServiceSpecArgs(
            selector=target.pods,
            cluster_ip="None",
            # A pod that is not ready has the metrics that say why.
            publish_not_ready_addresses=True,
            ports=[core.ServicePortArgs(name=PORT_NAME, port=target.port)],
        ),
        opts=opts,
    )


def _network(name: str, target: Target, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
    """The NetworkPolicy that lets Prometheus connect to a target."""
    net.NetworkPolicy(
        f"{name}-{target.name}-network",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace),
        spec=net.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=target.pods),
            policy_types=["Ingress"],
            ingress=[
                net.NetworkPolicyIngressRuleArgs(
                    from_=[networks.namespace(args.scraper_namespace, dict(args.scraper_labels))],
                    ports=[net.NetworkPolicyPortArgs(protocol="TCP", port=target.port)],
                )
            ],
        ),
        opts=opts,
    )


def _kind(name: str, plural: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """The CRD of one of the operator's kinds; reading it fails the preview on a cluster without the operator."""
    return k8s.apiextensions.v1.CustomResourceDefinition.get(
        f"{name}-needs-{plural}", f"{plural}.{OPERATOR}", opts=opts
    )


def _service_monitor(name: str, args: MonitoringArgs, operator: Operator, opts: pulumi.ResourceOptions) -> None:
    kind = _kind(name, "servicemonitors", opts)
    k8s.apiextensions.CustomResource(
        f"{name}-service-monitor",
        api_version=f"{OPERATOR}/v1",
        kind="ServiceMonitor",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels={**LABELS, **operator.labels}),
        spec={
            "jobLabel": LABEL,
            "selector": {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]},
            "endpoints": [{"port": PORT_NAME}],
        },
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[kind])),
    )


def _rules(
    name: str, args: MonitoringArgs, operator: Operator, rules: Mapping[str, object], opts: pulumi.ResourceOptions
) -> None:
    kind = _kind(name, "prometheusrules", opts)
    k8s.apiextensions.CustomResource(
        f"{name}-rules",
        api_version=f"{OPERATOR}/v1",
        kind="PrometheusRule",
        metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, labels={**LABELS, **operator.labels}),
        spec=dict(rules),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[kind])),
    )
