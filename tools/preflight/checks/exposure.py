"""Connections from outside: IngressClass or GatewayClass, the controller's pods, cert-manager's issuers."""

from collections.abc import Iterator

from settings import Settings
from settings.schema.gateway import HttpRouteGateway
from tools.doctor.facts import name_of, part
from tools.preflight.api import Api, Found, Missing, Note, each
from tools.preflight.checks.cluster import CERT_MANAGER, annotations, is_ready, one_of
from tools.preflight.wanted import Wanted

INGRESS_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
ISSUERS = {"cert-manager.io/cluster-issuer": "ClusterIssuer", "cert-manager.io/issuer": "Issuer"}


def classes(wanted: Wanted, api: Api) -> Iterator[Found]:
    """IngressClasses of the Ingresses, and GatewayClasses of the Gateways."""
    names = {str(name) for one in wanted.every("Ingress") if (name := part(one, "spec").get("ingressClassName"))}
    if names:
        there = {name_of(one) for one in api.every(INGRESS_CLASSES, "ingressclasses")}
        for name in sorted(names - there):
            yield Missing(
                subject=f"IngressClass {name}",
                what="it does not exist: no controller would serve the Ingress, and `up` would wait for its address",
                remedy=f"set cluster.ingressClass {one_of(there)}, or install an ingress controller",
            )
    for gateway in wanted.every("Gateway"):
        kind = api.kind(gateway["apiVersion"], "GatewayClass")
        # Without the kind, another check says so.
        if kind is None:
            continue
        there = {name_of(one) for one in api.every(kind.path(), kind.plural)}
        if (name := part(gateway, "spec").get("gatewayClassName")) not in there:
            yield Missing(
                subject=f"GatewayClass {name}",
                what="it does not exist: no controller would serve the Gateway, and `up` would wait for it",
                remedy=f"set gateway.className {one_of(there)}, or install a controller of the Gateway API",
            )


def controller(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Pods of the ingress controller, in the namespace that NetworkPolicies admit."""
    if not isinstance(wanted.settings, Settings):
        return
    space, addresses = wanted.settings.cluster.ingress_namespace, wanted.settings.cluster.ingress_pods
    # A controller outside of the cluster, such as a load balancer's, has addresses alone.
    if addresses:
        return
    ready = [
        one for one in api.every(f"/api/v1/namespaces/{space}/pods", "pods", f" in namespace {space}") if is_ready(one)
    ]
    nodes = sorted({str(part(one, "status").get("hostIP")) for one in ready if part(one, "spec").get("hostNetwork")})
    if nodes:
        yield Note(
            what=f"pods in namespace {space} use the host network ({', '.join(nodes)}): if the ingress controller is"
            " one of them, NetworkPolicies know it by the nodes' addresses only: set cluster.ingressPods to their range"
        )
    if not ready:
        what = "GatewayClass" if isinstance(wanted.settings.gateway, HttpRouteGateway) else "IngressClass"
        yield Missing(
            subject=f"pods of the ingress controller in namespace {space}",
            what="no pod is ready there: NetworkPolicies admit requests from the pods of this namespace only",
            remedy=f"set cluster.ingressNamespace to the namespace of the pods that serve the {what}, or"
            " cluster.ingressPods to the addresses that it connects from if it has no pods",
        )


def issuers(wanted: Wanted, api: Api) -> Iterator[Found]:
    """cert-manager's issuers that annotations name."""
    named = {
        (kind, str(name), "" if kind == "ClusterIssuer" else one["metadata"].get("namespace", ""))
        for one in wanted.objects
        for key, kind in ISSUERS.items()
        if (name := annotations(one).get(key))
    }

    def judge(issuer: tuple[str, str, str]) -> Iterator[Found]:
        kind, name, space = issuer
        known = api.kind(CERT_MANAGER, kind)
        if known is not None and api.exists(known, name, space) is None:
            yield Missing(
                subject=f"{kind} {name}",
                what="it does not exist: cert-manager would issue no certificate for the platform's host",
                remedy=f"create it, or name another one in {' and '.join(wanted.keys_of(name))}",
            )

    yield from each(sorted(named), judge)


def prometheus(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Pods of Prometheus, from which NetworkPolicies admit connections to the metrics."""
    if not isinstance(wanted.settings, Settings) or not wanted.settings.monitoring.served:
        return
    monitoring = wanted.settings.monitoring
    pods = api.every(f"/api/v1/namespaces/{monitoring.namespace}/pods", "pods", f" in namespace {monitoring.namespace}")
    if not any(monitoring.pod_labels.items() <= part(one, "metadata", "labels").items() for one in pods):
        labels = ", ".join(f"{key}: {value}" for key, value in monitoring.pod_labels.items())
        yield Missing(
            subject=f"pods of Prometheus in namespace {monitoring.namespace}",
            what=f"no pod there has the labels {labels}: NetworkPolicies would let nobody read the metrics",
            remedy="set monitoring.namespace and monitoring.podLabels to those of Prometheus' pods, or install it",
        )
