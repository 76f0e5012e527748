"""The dashboard about the server, the login, the database and the artifact store, from the platform's own metrics.

Every query returns a bounded number of series: by status class, by pod, by state, or the largest ten.
"""

import json
from collections.abc import Iterator

from components.kubernetes.pods import PART_OF
from components.monitoring.alert import Watched
from components.monitoring.panel import Panel, Query, Row
from components.monitoring.target import DATABASE, DEX, FORWARD_AUTH, FORWARD_AUTH_HAPROXY, HAPROXY, LOGIN, STORE

# Grafana 11.
SCHEMA = 39
RATE = "$__rate_interval"
RESPONSES = "haproxy_frontend_http_responses_total"
LATENCY = "oauth2_proxy_response_duration_seconds_bucket"


def rows(watched: Watched) -> list[Row]:
    """The rows of a stack's dashboard, for the parts that the stack has."""
    found = [
        Row(title="Server", panels=list(_server(watched))),
        Row(title="Login", panels=list(_login(watched))),
    ]
    if watched.has(DATABASE):
        found.append(Row(title="Database", panels=list(_database(watched))))
    if watched.has(STORE):
        found.append(Row(title="Artifacts", panels=list(_store(watched))))
    return found


def dashboard(watched: Watched) -> str:
    """The dashboard in Grafana's JSON."""
    panels, top, identity = list[dict[str, object]](), 0, 1
    for row in rows(watched):
        panels.append(row.document(identity, top))
        for place, panel in enumerate(row.panels):
            panels.append(panel.document(identity + 1 + place, place, top + 1))
        identity += 1 + len(row.panels)
        top += row.height
    document: dict[str, object] = {
        "uid": f"mlflow-{watched.namespace}"[:40],
        "title": f"MLflow ({watched.host})",
        "tags": [PART_OF],
        "schemaVersion": SCHEMA,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(document, indent=2) + "\n"


def _server(watched: Watched) -> Iterator[Panel]:
    clients = watched.series(RESPONSES, HAPROXY, more='proxy="clients"')
    errors = watched.series(RESPONSES, HAPROXY, more='proxy="clients",code="5xx"')
    buckets = watched.series(LATENCY, LOGIN, more='method="post"')
    yield Panel(
        title="Pods",
        description="Server pods that Prometheus can read.",
        kind="stat",
        queries=[Query(expression=f"sum({watched.series('up', HAPROXY)})")],
    )
    yield Panel(
        title="Requests by status",
        unit="reqps",
        queries=[Query(expression=f"sum by (code) (rate({clients}[{RATE}]))", legend="{{code}}")],
    )
    yield Panel(
        title="Share of errors",
        description="Answers with a status of 500 or above.",
        unit="percentunit",
        queries=[Query(expression=f"sum(rate({errors}[{RATE}])) / sum(rate({clients}[{RATE}]))", legend="errors")],
    )
    yield Panel(
        title="Time of POST requests",
        description="Logging and searching; without uploads and downloads, and without the kubelet's probes.",
        unit="s",
        queries=[
            Query(expression=f"histogram_quantile({part}, sum by (le) (rate({buckets}[{RATE}])))", legend=f"{part:.0%}")
            for part in (0.5, 0.9, 0.99)
        ],
    )
    yield Panel(
        title="Requests in flight",
        queries=[
            Query(
                expression=f"sum by (instance) ({watched.series('oauth2_proxy_requests_in_flight', LOGIN)})",
                legend="{{instance}}",
            )
        ],
    )
    yield _connections(watched)


def _connections(watched: Watched) -> Panel:
    doors = watched.present(HAPROXY, FORWARD_AUTH_HAPROXY)
    current = watched.series("haproxy_frontend_current_sessions", *doors, more='proxy="clients"')
    limit = watched.series("haproxy_frontend_limit_sessions", *doors, more='proxy="clients"')
    return Panel(
        title="Connections in use",
        description="Of server.bounds.connections.",
        unit="percentunit",
        queries=[Query(expression=f"{current} / {limit}", legend="{{instance}}")],
    )


def _login(watched: Watched) -> Iterator[Panel]:
    doors = watched.present(LOGIN, FORWARD_AUTH)
    requests = watched.series("oauth2_proxy_requests_total", *doors)
    yield Panel(
        title="Answers by status",
        description="Of OAuth2-Proxy, its own and the server's: 401 not signed in, 403 not allowed, 429 too many.",
        unit="reqps",
        queries=[Query(expression=f"sum by (code) (rate({requests}[{RATE}]))", legend="{{code}}")],
    )
    failed = watched.series("haproxy_backend_connection_errors_total", *watched.present(HAPROXY, FORWARD_AUTH_HAPROXY))
    yield Panel(
        title="Connections that OAuth2-Proxy refused",
        unit="cps",
        queries=[Query(expression=f"sum by (service) (rate({failed}[{RATE}]))", legend="{{service}}")],
    )
    if watched.has(DEX):
        signed_in = watched.series("http_requests_total", DEX)
        yield Panel(
            title="Development identity provider",
            unit="reqps",
            queries=[Query(expression=f"sum by (code) (rate({signed_in}[{RATE}]))", legend="{{code}}")],
        )


def _database(watched: Watched) -> Iterator[Panel]:
    here = 'datname="mlflow"'
    activity = watched.series("pg_stat_activity_count", DATABASE, more=here)
    most = watched.series("pg_settings_max_connections", DATABASE)
    yield Panel(
        title="Connections by state",
        queries=[
            Query(expression=f"sum by (state) ({activity}) > 0", legend="{{state}}"),
            Query(expression=f"max({most})", legend="limit"),
        ],
    )
    committed, ended = (
        watched.series(f"pg_stat_database_xact_{how}", DATABASE, more=here) for how in ("commit", "rollback")
    )
    yield Panel(
        title="Transactions",
        unit="cps",
        queries=[
            Query(expression=f"sum(rate({committed}[{RATE}]))", legend="committed"),
            Query(expression=f"sum(rate({ended}[{RATE}]))", legend="rolled back"),
        ],
    )
    longest = watched.series("pg_stat_activity_max_tx_duration", DATABASE, more=here)
    yield Panel(title="Longest transaction", unit="s", queries=[Query(expression=f"max({longest})", legend="longest")])
    yield Panel(
        title="Size of the database",
        unit="bytes",
        queries=[Query(expression=watched.series("pg_database_size_bytes", DATABASE, more=here), legend="database")],
    )
    tables = watched.series("pg_stat_user_tables_size_bytes", DATABASE)
    yield Panel(
        title="Largest tables",
        unit="bytes",
        queries=[Query(expression=f"topk(10, sum by (relname) ({tables}))", legend="{{relname}}")],
    )
    live = watched.series("pg_stat_user_tables_n_live_tup", DATABASE)
    yield Panel(
        title="Rows of the largest tables",
        description="PostgreSQL's estimate.",
        queries=[Query(expression=f"topk(10, sum by (relname) ({live}))", legend="{{relname}}")],
    )


def _store(watched: Watched) -> Iterator[Panel]:
    requests = watched.series("SeaweedFS_s3_request_total", STORE)
    yield Panel(
        title="Requests by type",
        unit="reqps",
        queries=[Query(expression=f"sum by (type) (rate({requests}[{RATE}]))", legend="{{type}}")],
    )
    yield Panel(
        title="Requests by status",
        unit="reqps",
        queries=[Query(expression=f"sum by (code) (rate({requests}[{RATE}]))", legend="{{code}}")],
    )
    disk = "SeaweedFS_volumeServer_resource"
    free, size = watched.series(disk, STORE, more='type="avail"'), watched.series(disk, STORE, more='type="all"')
    yield Panel(
        title="Volume in use",
        unit="percentunit",
        queries=[Query(expression=f"1 - sum({free}) / sum({size})", legend="used")],
    )
