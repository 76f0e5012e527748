"""Stand-in for cert-manager: issues certificates from a private CA into the Secrets that cert-manager would fill."""

import base64
import datetime as dt
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e.kube import kubectl

NAMESPACE = "mlflow"
# By the name of the Secret.
HOSTS = {"mlflow-tls": "mlflow.localhost", "mlflow-tls-dex": "dex.mlflow.localhost"}
SEED = b"an authority that is not the platform's"
AUTHORITY = authority_certificate(SEED, "mlflow.localhost")
FIRST, RENEWED = dt.date(2026, 11, 2), dt.date(2026, 11, 3)


@contextmanager
def certificates() -> Generator[str]:
    """Create the Secrets of both hosts; yields the CA certificate."""
    issue(FIRST)
    try:
        yield AUTHORITY
    finally:
        kubectl("delete", "secret", *HOSTS, f"--namespace={NAMESPACE}", "--ignore-not-found")


def issue(day: dt.date) -> Mapping[str, str]:
    """Issue certificates that begin on a day, and replace the old ones by them; returns them by host."""
    pairs = {host: self_signed(SEED, host, day) for host in HOSTS.values()}
    for name, host in HOSTS.items():
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {"controller.cert-manager.io/fao": "true"},
                "annotations": {"cert-manager.io/certificate-name": name, "cert-manager.io/issuer-name": "company"},
            },
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": _encoded(pairs[host].certificate), "tls.key": _encoded(pairs[host].key)},
        }
        kubectl("apply", "--server-side", "--field-manager=cert-manager", "--filename=-", stdin=json.dumps(secret))
    return {host: pair.certificate for host, pair in pairs.items()}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
