"""Alerts from metrics of the cluster: kubelet, kube-state-metrics, and an exporter for the certificate.

Without these metrics the alerts never fire. `MlflowMetricsMissing` is an alert about the platform's own metrics.
"""

from collections.abc import Iterator

from components.monitoring.alert import Alert, Watched
from components.monitoring.target import HAPROXY, LOGIN

CERTIFICATE_SECONDS = 21 * 86400
DAYS = 3 * 86400
KUBE_STATE_METRICS = "kube-state-metrics"


def cluster_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about volumes, the certificate, quotas, pods and Jobs."""
    here = f'namespace="{watched.namespace}"'
    free, size = (f"kubelet_volume_stats_{what}_bytes{{{here}}}" for what in ("available", "capacity"))
    yield Alert(
        name="MlflowVolumeAlmostFull",
        expression=f"{free} / {size} < 0.1",
        minutes=5,
        severity="critical",
        summary="Less than 10 % of a volume of the platform is free.",
        needs="kubelet",
    )
    yield Alert(
        name="MlflowVolumeFillsUp",
        # A volume that is half empty may be a new one that is being filled.
        expression=f"predict_linear({free}[6h], {DAYS}) < 0 and {free} / {size} < 0.5",
        minutes=60,
        severity="warning",
        summary="At the speed of the last 6 hours, a volume of the platform is full in 3 days.",
        needs="kubelet",
    )
    yield Alert(
        name="MlflowCertificateEnds",
        expression=_certificate(watched),
        minutes=60,
        severity="warning",
        summary=f"The certificate of {watched.host} ends in less than 21 days.",
        needs="blackbox exporter, cert-manager or Traefik",
    )
    yield from _objects(watched, here)


def _certificate(watched: Watched) -> str:
    """PromQL for the expiry of the certificate, from whichever of three exporters is installed."""
    host = watched.host.replace(".", r"\\.")
    ends = (
        f'probe_ssl_earliest_cert_expiry{{instance=~"(https://)?{host}([:/].*)?"}}',
        f'certmanager_certificate_expiration_timestamp_seconds{{namespace="{watched.namespace}"}}',
        f'traefik_tls_certs_not_after{{cn="{watched.host}"}}',
    )
    return " or ".join(f"{end} - time() < {CERTIFICATE_SECONDS}" for end in ends)


def _objects(watched: Watched, here: str) -> Iterator[Alert]:
    teams = "|".join(sorted(watched.teams))
    used, hard = (f'kube_resourcequota{{namespace=~"{teams}",type="{kind}"}}' for kind in ("used", "hard"))
    yield Alert(
        name="MlflowQuotaAlmostUsed",
        expression=f"{used} / ignoring (type) ({hard} > 0) > 0.9",
        minutes=15,
        severity="warning",
        summary="A team uses more than 90 % of a part of its quota.",
        needs=KUBE_STATE_METRICS,
    )
    yield Alert(
        name="MlflowPodRestarts",
        expression=f"increase(kube_pod_container_status_restarts_total{{{here}}}[1h]) > 3",
        minutes=0,
        severity="warning",
        summary="A container of the platform has restarted more than 3 times in an hour.",
        needs=KUBE_STATE_METRICS,
    )
    yield Alert(
        name="MlflowJobFailed",
        expression=f"kube_job_status_failed{{{here}}} > 0",
        minutes=1,
        severity="warning",
        summary="A Job of the platform has failed, for example the schema migration.",
        needs=KUBE_STATE_METRICS,
    )


def metrics_alerts(watched: Watched) -> Iterator[Alert]:
    """The alert about targets that Prometheus cannot scrape, or has not discovered."""
    # A paused server has no pods.
    expected = [one for one in watched.targets if watched.replicas or one not in (HAPROXY, LOGIN)]
    if expected:
        yield Alert(
            name="MlflowMetricsMissing",
            expression=" or ".join(
                [
                    f"{watched.series('up', *expected)} == 0",
                    *(f"absent({watched.series('up', one)})" for one in expected),
                ]
            ),
            minutes=10,
            severity="warning",
            summary="Prometheus does not receive the metrics of a part of the platform.",
        )
