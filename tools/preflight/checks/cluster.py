"""The cluster itself: version, kinds, Pod Security, DNS, storage classes, metrics."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from tools.doctor.collect.cluster import RefusedError
from tools.doctor.facts import Object, Unseen, name_of, part, parts
from tools.preflight.api import DRY_RUN, Api, Found, Missing, Note, UnseenError, each
from tools.preflight.wanted import Wanted
from tools.render.values import Json
from tools.scan.scanners import KUBERNETES

STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
METRICS = "/apis/metrics.k8s.io/v1beta1"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
ENFORCE = "pod-security.kubernetes.io/enforce"
NO_LEVEL = "mlflow-platform-preflight"
DNS_SERVICE = "/api/v1/namespaces/kube-system/services/kube-dns"
# Namespaces and labels of DNS pods of distributions that have their own.
KNOWN_DNS = {"openshift-dns": "dns.operator.openshift.io/daemonset-dns=default"}
CERT_MANAGER = "cert-manager.io/v1"
# By API group: what brings its kinds, and the setting that does without them.
BRINGS = {
    "gateway.networking.k8s.io": "install the Gateway API and a controller for it, or set gateway.kind: ingress",
    "monitoring.coreos.com": "install the Prometheus operator, or set monitoring.metrics: annotations",
    "external-secrets.io": "install the External Secrets operator, or set credentials.kind to another kind",
    "traefik.io": "install Traefik with its own kinds, or set gateway.login: reverse-proxy",
    "console.openshift.io": "set console.consoleLink: false",
    "serving.kserve.io": "install KServe, or set the model's kind: deployment in teams.<team>.serving",
    "cert-manager.io": "install cert-manager, or remove it from cluster.ingressAnnotations or gateway.annotations",
}


def version(_wanted: Wanted, api: Api) -> Iterator[Found]:
    """Version of the API server."""
    found = api.find("/version", "the version of the API server", "get /version") or {}
    oldest, here = (_release(text) for text in (KUBERNETES, str(found.get("gitVersion"))))
    if here < oldest:
        yield Missing(
            subject=f"Kubernetes {found.get('gitVersion')}",
            what=f"the platform needs Kubernetes {'.'.join(map(str, oldest))} or newer",
            remedy="upgrade the cluster (docs/own-cluster.md says which feature needs it)",
        )


def _release(text: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else (0, 0)


def kinds(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Kinds of the objects that the program registers, and of cert-manager if an annotation asks for it."""
    pairs = {(str(one["apiVersion"]), str(one["kind"])) for one in wanted.objects}
    if any(True for one in wanted.objects for key in annotations(one) if key.startswith("cert-manager.io/")):
        pairs.add((CERT_MANAGER, "Certificate"))
    versions = sorted({api_version for api_version, _ in pairs})

    def judge(api_version: str) -> Iterator[Found]:
        names = sorted(kind for one, kind in pairs if one == api_version)
        lacking = [kind for kind in names if api.kind(api_version, kind) is None]
        if lacking:
            group = api_version.rpartition("/")[0]
            yield Missing(
                subject=f"{', '.join(lacking)} ({api_version})",
                what="the cluster does not have this kind of objects, and `up` cannot create one",
                remedy=BRINGS.get(group, "upgrade the cluster, or switch on this API"),
            )

    yield from each(versions, judge)


def annotations(one: Object) -> Object:
    """Annotations of an object."""
    return part(one, "metadata", "annotations")


def pod_security(_wanted: Wanted, api: Api) -> Iterator[Found]:
    """Pod Security admission: in a dry run, a namespace with an invalid level has to be refused.

    Before the first `up` there is no restricted namespace in which a privileged pod could be tried.
    """
    what, right = "Pod Security admission", "create namespaces"
    namespace: Json = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"generateName": "mlflow-platform-preflight-", "labels": {ENFORCE: NO_LEVEL}},
    }
    try:
        api.send("POST", f"/api/v1/namespaces?{DRY_RUN}", what=what, right=right, document=namespace)
    except RefusedError as error:
        if error.status != HTTPStatus.UNPROCESSABLE_ENTITY or ENFORCE not in str(error):
            raise UnseenError(Unseen(what=what, needs=f"a dry run that is answered: {error}")) from None
    else:
        yield Missing(
            subject="Pod Security admission",
            what=f"the API server ignores the labels {ENFORCE}: teams could start privileged pods",
            remedy="switch on the admission plugin PodSecurity of the API server",
        )


def dns(wanted: Wanted, api: Api) -> Iterator[Found]:
    """Pods of the cluster's DNS, to which the default deny of every namespace still allows requests."""
    peers = {
        (space, tuple(sorted(labels.items())))
        for policy in wanted.every("NetworkPolicy")
        if policy["metadata"]["name"] == "default-deny"
        for rule in parts(policy, "spec", "egress")
        for peer in parts(rule, "to")
        if (space := part(peer, "namespaceSelector", "matchLabels").get(NAMESPACE_NAME))
        if (labels := part(peer, "podSelector", "matchLabels"))
    }

    def judge(peer: tuple[str, tuple[tuple[str, str], ...]]) -> Iterator[Found]:
        space, labels = peer
        selector = ",".join(f"{key}={value}" for key, value in labels)
        path = f"/api/v1/namespaces/{space}/pods?labelSelector={selector.replace('=', '%3D')}"
        if not any(map(is_ready, api.every(path, "pods", f" in namespace {space}"))):
            yield Missing(
                subject=f"DNS pods {selector} in namespace {space}",
                what="no such pod is ready: the platform's NetworkPolicies open DNS to these pods only,"
                " so that no name would resolve in its pods",
                remedy=f"{_dns_of(api)} (docs/own-cluster.md)",
            )

    yield from each(sorted(peers), judge)


def _dns_of(api: Api) -> str:
    """The setting that fits this cluster's DNS, as far as the caller may read it."""
    try:
        for space, label in KNOWN_DNS.items():
            name, _, value = label.partition("=")
            path = f"/api/v1/namespaces/{space}/pods?labelSelector={name}%3D{value}"
            if any(map(is_ready, api.every(path, "pods", f" in namespace {space}"))):
                return f"set cluster.dns.namespace: {space} and cluster.dns.podLabels: {{{name}: {value}}}"
        service = api.find(DNS_SERVICE, "the Service of the cluster's DNS", "get services in namespace kube-system")
        if address := part(service, "spec").get("clusterIP"):
            return (
                "set cluster.dns.namespace and cluster.dns.podLabels to those of the DNS pods or, if DNS runs on the"
                f" nodes, cluster.dns.pods: false and cluster.dns.addresses: [{address}/32] with the nodes' range"
            )
    except UnseenError:
        pass
    return "set cluster.dns to where the cluster answers DNS requests"


def is_ready(pod: Object) -> bool:
    """True if a pod is ready."""
    return any(one["type"] == "Ready" and one["status"] == "True" for one in parts(pod, "status", "conditions"))


def storage(wanted: Wanted, api: Api) -> Iterator[Found]:
    """StorageClasses of the volumes, or a default one."""
    claims = [*wanted.every("PersistentVolumeClaim")]
    claims += [one for each in wanted.every("StatefulSet") for one in parts(each, "spec", "volumeClaimTemplates")]
    if not claims:
        return
    classes = {name_of(one): one for one in api.every(STORAGE, "storageclasses")}
    names = {part(one, "spec").get("storageClassName") for one in claims}
    default = next((name for name, one in classes.items() if annotations(one).get(DEFAULT_CLASS) == "true"), None)
    for name in sorted(names, key=str):
        chosen = default if name is None else name
        if chosen in classes:
            if not classes[chosen].get("allowVolumeExpansion"):
                yield Note(what=f"StorageClass {chosen} does not allow volumes to grow: choose sizes that last")
            continue
        yield Missing(
            subject="default StorageClass" if name is None else f"StorageClass {name}",
            what="it does not exist: the volumes would stay Pending, and `up` would time out",
            remedy=f"set cluster.storageClass {one_of(classes)}, or create it",
        )


def one_of(names: Iterable[str]) -> str:
    """Existing names, as a part of a remedy."""
    there = ", ".join(sorted(names))
    return f"to one of {there}" if there else "(the cluster has none)"


def metrics(wanted: Wanted, api: Api) -> Iterator[Found]:
    """A metrics server, for autoscaling."""
    if not any(wanted.every("HorizontalPodAutoscaler")):
        return
    try:
        api.send("GET", METRICS, what="the metrics server", right=f"get {METRICS}")
    except RefusedError as error:
        # Not registered; or registered, and the pods behind it do not answer.
        if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}:
            raise UnseenError(Unseen(what="the metrics server", needs=str(error))) from None
        yield Missing(
            subject="metrics server",
            what="the cluster has none that answers: the number of replicas would never follow the load",
            remedy="install metrics-server, or set server.autoscaling: null",
        )
