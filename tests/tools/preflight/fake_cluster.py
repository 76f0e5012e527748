"""A small API server that has everything a stack needs, until a test removes something."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from settings.loader import Source
from tests.settings.stack_files import changed
from tools.preflight.api import REVIEWS
from tools.preflight.wanted import Wanted, wanted

ISSUER = "https://kubernetes.default.svc.cluster.local"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"
READY: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}]}
CLUSTER_KINDS = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "GatewayClass", "ClusterIssuer"}) | {
    "ClusterSecretStore",
    "ConsoleLink",
}
# Kinds that stacks refer to, besides those that they register.
REFERRED = (
    ("gateway.networking.k8s.io/v1", "GatewayClass"),
    ("cert-manager.io/v1", "Certificate"),
    ("cert-manager.io/v1", "ClusterIssuer"),
    ("cert-manager.io/v1", "Issuer"),
    ("external-secrets.io/v1", "ClusterSecretStore"),
    ("external-secrets.io/v1", "SecretStore"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("v1", "Event"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
)
STACKS: dict[str, tuple[str, dict[str, object]]] = {
    "dev": ("dev", {}),
    "placed": (
        "dev",
        {
            "scheduling": {
                "nodeSelector": {"example.com/pool": "platform"},
                "tolerations": [{"key": "pool", "value": "platform", "effect": "NoSchedule"}],
                "priorityClass": "platform",
            },
            "teams": {"team-a": {"createNamespace": False}, "team-b": {}},
        },
    ),
    "gateway": ("dev", {"gateway": {"kind": "http-route", "className": "company"}}),
    "company": (
        "prod",
        {
            "aws": ...,
            "createNamespace": False,
            "cluster": {
                "ingressClass": "traefik",
                "ingressNamespace": "traefik",
                "ingressAnnotations": {"cert-manager.io/cluster-issuer": "letsencrypt"},
            },
            "database": {
                "kind": "external",
                "host": "postgres.example.com",
                "maxConnections": 500,
                "credentials": {"kind": "secret", "name": "mlflow-database"},
            },
            "artifacts": {
                "kind": "s3",
                "bucket": "company-mlflow",
                "region": "eu-central-1",
                "credentials": {"kind": "external-secret", "store": "company-vault", "key": "mlflow/bucket"},
            },
            "images": {"pullSecrets": ["registry-login"]},
            "monitoring": {"metrics": "service-monitor"},
        },
    ),
}


@cache
def needs(name: str) -> Wanted:
    """The needs of a stack of `STACKS`."""
    base, changes = STACKS[name]
    document = changed(base, changes)
    return wanted(Source(document=document, encrypted=frozenset(), elsewhere=(), secrets={}), base)


class Cluster:
    """Answers by path; a test changes them before the checks run."""

    def __init__(self, stack: str) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "/version": (200, {"gitVersion": "v1.33.4+k3s1"}),
            DISCOVERY: (200, {"issuer": ISSUER}),
            KEYS: (200, {"keys": [{"kty": "RSA"}]}),
            "/apis/metrics.k8s.io/v1beta1": (200, {"resources": []}),
            # The answer of Pod Security admission to a level that does not exist.
            "/api/v1/namespaces?dryRun=All": (422, {"message": "pod-security.kubernetes.io/enforce: Invalid value"}),
        }
        self.denied: list[tuple[str, str, str]] = []
        """Verb, resource and namespace of each right that the caller lacks; `*` stands for any."""

        self.asked: list[tuple[str, str]] = []
        """Method and path of each request."""

        for one in (*needs(stack).objects, *needs(stack).patches):
            self.add_kind(one["apiVersion"], one["kind"])
        for api_version, kind in REFERRED:
            self.add_kind(api_version, kind)
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        self.lists("/apis/storage.k8s.io/v1/storageclasses", named("standard", default, allowVolumeExpansion=True))
        self.lists("/apis/networking.k8s.io/v1/ingressclasses", named("traefik"))
        self.lists("/apis/gateway.networking.k8s.io/v1/gatewayclasses", named("company"))
        self.lists("/api/v1/namespaces/traefik/pods", named("traefik-1", status=READY))
        self.lists("/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app=kube-dns", named("dns", status=READY))
        prometheus = named("prometheus-0", status=READY)
        prometheus["metadata"]["labels"] = {"app.kubernetes.io/name": "prometheus"}
        self.lists("/api/v1/namespaces/monitoring/pods", prometheus)
        self.has("/apis/cert-manager.io/v1/clusterissuers/letsencrypt")
        self.has("/apis/external-secrets.io/v1/clustersecretstores/company-vault")
        if stack == "placed":
            self.has("/api/v1/namespaces/team-a", labels={"owner": "somebody", "mlflow-enabled": "true"})
            self.has("/apis/scheduling.k8s.io/v1/priorityclasses/platform")
            self.lists("/api/v1/nodes", node("one"), node("two", "pool=platform:NoSchedule", pool="platform"))
        if stack == "company":
            self.has("/api/v1/namespaces/mlflow", labels={"pod-security.kubernetes.io/enforce": "restricted"})
            for secret in ("mlflow-database", "registry-login"):
                self.has(f"/api/v1/namespaces/mlflow/secrets/{secret}")

    def add_kind(self, api_version: str, kind: str) -> None:
        """Add a kind to the cluster."""
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        _, found = self.answers.setdefault(path, (200, {"resources": []}))
        found["resources"].append({"kind": kind, "name": plural(kind), "namespaced": kind not in CLUSTER_KINDS})

    def lists(self, path: str, *items: dict[str, Any]) -> None:
        """Let the cluster have these objects at a path, and no others."""
        self.answers[path] = (200, {"items": items})

    def has(self, path: str, **metadata: object) -> None:
        """Add an object to the cluster."""
        self.answers[path] = (200, {"metadata": {"name": path.rpartition("/")[2], **metadata}})

    def lacks(self, path: str) -> None:
        """Remove everything at a path."""
        del self.answers[path]

    def review(self, document: dict[str, Any]) -> tuple[int, Any]:
        """The answer to a SelfSubjectAccessReview."""
        asked = document["spec"]["resourceAttributes"]
        space = asked.get("namespace", "")
        denied = any(
            verb in {"*", asked["verb"]} and resource in {"*", asked["resource"]} and place in {"*", space}
            for verb, resource, place in self.denied
        )
        return 201, {"status": {"allowed": not denied}}


def plural(kind: str) -> str:
    """Plural name of a kind, as in paths."""
    word = kind.lower()
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def named(name: str, annotations: dict[str, str] | None = None, **fields: object) -> dict[str, Any]:
    """A manifest of an object with this name."""
    return {"metadata": {"name": name, "annotations": annotations or {}}, **fields}


def node(name: str, taint: str = "", *, pool: str = "") -> dict[str, Any]:
    """A node with one taint, as kubectl writes it, in a pool."""
    word, _, effect = taint.partition(":")
    key, _, value = word.partition("=")
    found = named(name, spec={"taints": [{"key": key, "value": value, "effect": effect}] if taint else []})
    found["metadata"]["labels"] = {"example.com/pool": pool} if pool else {}
    return found


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster

    def do_GET(self) -> None:
        """Answer as the test has set."""
        path = unquote(self.path)
        self._answer("GET", path, self.cluster.answers.get(path, (404, {"message": "not found"})))

    def do_POST(self) -> None:
        """Answer a review, or as the test has set."""
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if urlsplit(self.path).path == REVIEWS:
            self._answer("POST", self.path, self.cluster.review(document))
        else:
            self._answer("POST", self.path, self.cluster.answers.get(self.path, (404, {"message": "not found"})))

    def _answer(self, method: str, path: str, answer: tuple[int, Any]) -> None:
        self.cluster.asked.append((method, path))
        status, body = answer
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Log nothing."""


@contextmanager
def serving(cluster: Cluster, file: Path) -> Generator[None]:
    """Run the cluster while the block lasts; the kubeconfig `file` names it."""
    handler = type("Answering", (_Handler,), {"cluster": cluster})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        config: dict[str, Any] = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{listening.server_port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        try:
            yield
        finally:
            listening.shutdown()
            thread.join()
