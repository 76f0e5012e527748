"""Targets: the ports of the platform's pods that serve metrics in Prometheus' format, at the path `/metrics`.

The alert rules and the dashboard find a target by the labels `namespace` and `service` of its series, which the
Prometheus operator and the usual configuration for annotated Services both set.
"""

from dataclasses import dataclass

from components.artifacts import object_store
from components.login import forward_auth, front, identity_provider
from components.mlflow.args import LABELS as SERVER
from components.monitoring import database_exporter

# Value of this label of a target's Service: the target's name.
LABEL = "mlflow-platform/metrics"
# Name of the port in every target's Service.
PORT_NAME = "metrics"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One port of one kind of pod."""

    name: str
    pods: dict[str, str]
    """Labels of the pods."""

    port: int

    @property
    def service(self) -> str:
        """Name of the Service, and value of the label `service` of the target's series."""
        return f"metrics-{self.name}"


HAPROXY = Target(name="haproxy", pods=SERVER, port=front.METRICS_PORT)
LOGIN = Target(name="login", pods=SERVER, port=front.LOGIN_METRICS_PORT)
# ForwardAuth has the same two programs in pods of its own.
FORWARD_AUTH_HAPROXY = Target(name="forward-auth-haproxy", pods=forward_auth.LABELS, port=front.METRICS_PORT)
FORWARD_AUTH = Target(name="forward-auth", pods=forward_auth.LABELS, port=front.LOGIN_METRICS_PORT)
DEX = Target(name="dex", pods=identity_provider.LABELS, port=identity_provider.HEALTH_PORT)
STORE = Target(name="object-store", pods=object_store.LABELS, port=object_store.METRICS_PORT)
DATABASE = Target(name="postgres", pods=database_exporter.LABELS, port=database_exporter.PORT)
# In the order of the documentation.
TARGETS = (HAPROXY, LOGIN, FORWARD_AUTH_HAPROXY, FORWARD_AUTH, DEX, STORE, DATABASE)
