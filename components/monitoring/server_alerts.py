"""Alerts about the server and the login in front of it.

Client requests are counted by HAProxy, which sees all of them; the time that a request takes is from OAuth2-Proxy's
histogram. The kubelet's probes come to HAProxy's frontend `probes` and pass through the login to MLflow.
"""

from collections.abc import Iterator

from components.monitoring.alert import Alert, Watched
from components.monitoring.target import DEX, FORWARD_AUTH, FORWARD_AUTH_HAPROXY, HAPROXY, LOGIN

# Below these numbers of requests a ratio says little.
FEW_ERRORS = 10
FEW_REFUSALS = 20
RESPONSES = "haproxy_frontend_http_responses_total"
REQUESTS = "oauth2_proxy_requests_total"


def server_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about the server; empty while it is paused on purpose."""
    if not watched.replicas:
        return
    up = watched.series("up", HAPROXY)
    yield Alert(
        name="MlflowServerDown",
        expression=f"absent({up} == 1)",
        minutes=2,
        severity="critical",
        summary="No pod of the MLflow server is running.",
    )
    yield Alert(
        name="MlflowReplicasMissing",
        expression=f"count({up} == 1) < {watched.replicas}",
        minutes=10,
        severity="warning",
        summary=f"Fewer than {watched.replicas} pods of the MLflow server are running.",
    )
    yield Alert(
        name="MlflowNotAnswering",
        expression=_not_answering(watched),
        minutes=5,
        severity="critical",
        summary="The MLflow server answers its health check with errors.",
    )
    yield Alert(
        name="MlflowErrors",
        expression=_errors(watched),
        minutes=5,
        severity="warning",
        summary="More than 5 % of the requests to MLflow end with a status of 500 or above.",
    )
    latency = watched.series("oauth2_proxy_response_duration_seconds_bucket", LOGIN, more='method="post"')
    yield Alert(
        name="MlflowSlow",
        expression=f"histogram_quantile(0.99, sum by (le) (rate({latency}[10m]))) > 5",
        minutes=15,
        severity="warning",
        summary="1 % of the POST requests, which log and search, take more than 5 s.",
    )
    refused = watched.series(REQUESTS, LOGIN, more='code="429"')
    yield Alert(
        name="MlflowRefusesRequests",
        expression=f"sum(rate({refused}[5m])) / sum(rate({watched.series(REQUESTS, LOGIN)}[5m])) > 0.1",
        minutes=10,
        severity="warning",
        summary="More than 10 % of the requests are refused because a team or a caller sends too many (429).",
    )
    yield from _connections(watched)


def _not_answering(watched: Watched) -> str:
    failed = watched.series(RESPONSES, HAPROXY, more='proxy="probes",code="5xx"')
    return f"sum by (instance) (rate({failed}[2m])) > 0"


def _errors(watched: Watched) -> str:
    every = watched.series(RESPONSES, HAPROXY, more='proxy="clients"')
    failed = watched.series(RESPONSES, HAPROXY, more='proxy="clients",code="5xx"')
    return f"sum(rate({failed}[5m])) / sum(rate({every}[5m])) > 0.05 and sum(increase({failed}[5m])) > {FEW_ERRORS}"


def _connections(watched: Watched) -> Iterator[Alert]:
    doors = watched.present(HAPROXY, FORWARD_AUTH_HAPROXY)
    current = watched.series("haproxy_frontend_current_sessions", *doors, more='proxy="clients"')
    limit = watched.series("haproxy_frontend_limit_sessions", *doors, more='proxy="clients"')
    yield Alert(
        name="MlflowConnectionsAlmostFull",
        expression=f"{current} / {limit} > 0.8",
        minutes=5,
        severity="warning",
        summary="More than 80 % of a pod's connections are in use (server.bounds.connections).",
    )
    denied = watched.series("haproxy_frontend_denied_connections_total", *doors, more='proxy="clients"')
    yield Alert(
        name="MlflowConnectionsRefused",
        expression=f"rate({denied}[5m]) > 0",
        minutes=5,
        severity="warning",
        summary="HAProxy refuses connections of an address that holds too many without a complete request.",
    )


def login_alerts(watched: Watched) -> Iterator[Alert]:
    """Alerts about OAuth2-Proxy and the development identity provider."""
    if watched.replicas:
        yield from _proxy_alerts(watched)
    if watched.has(FORWARD_AUTH):
        yield Alert(
            name="MlflowForwardAuthDown",
            expression=f"absent({watched.series('up', FORWARD_AUTH)} == 1)",
            minutes=2,
            severity="critical",
            summary="No pod of ForwardAuth is running: nothing outside the cluster reaches MLflow.",
        )
    if watched.has(DEX):
        yield Alert(
            name="MlflowIdentityProviderDown",
            expression=f"absent({watched.series('up', DEX)} == 1)",
            minutes=2,
            severity="critical",
            summary="The development identity provider (dex) is not running: nobody can sign in.",
        )
        failed = watched.series("http_requests_total", DEX, more='code=~"5.."')
        yield Alert(
            name="MlflowIdentityProviderErrors",
            expression=f"sum(increase({failed}[15m])) > {FEW_ERRORS}",
            minutes=5,
            severity="warning",
            summary="The development identity provider (dex) answers with errors.",
        )


def _proxy_alerts(watched: Watched) -> Iterator[Alert]:
    server, login = watched.series("up", HAPROXY), watched.series("up", LOGIN)
    yield Alert(
        name="MlflowLoginDown",
        # While no server pod runs at all, MlflowServerDown is the alert.
        expression=f"absent({login} == 1) unless on (namespace) absent({server} == 1)",
        minutes=2,
        severity="critical",
        summary="OAuth2-Proxy is not running beside the server: every request is refused.",
    )
    doors = watched.present(LOGIN, FORWARD_AUTH)
    every = watched.series(REQUESTS, *doors)
    refused = watched.series(REQUESTS, *doors, more='code=~"401|403"')
    yield Alert(
        name="MlflowLoginRefuses",
        expression=(
            f"sum by (service) (rate({refused}[15m])) / sum by (service) (rate({every}[15m]))"
            f" > 0.5 and sum by (service) (increase({refused}[15m])) > {FEW_REFUSALS}"
        ),
        minutes=15,
        severity="warning",
        summary="More than half of the requests are refused as not signed in or not allowed (401, 403).",
    )
