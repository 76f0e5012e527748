"""The server's command line and environment variables, as pure functions of `MLflowArgs`."""

import json

from components.kubernetes.availability import DRAIN_SECONDS
from components.kubernetes.names import DOMAIN, service_host
from components.login.command_line import UPSTREAM_PORT
from components.mlflow import webhook_proxy
from components.mlflow.args import MLflowArgs
from components.sizes import threads
from components.team.identities import SELECTOR

# Allowed sources of a model version. The server fetches them with its own credential, and only for these schemes MLflow
# checks that the caller owns the location: `s3://` gave access to every team's files. The last two are the sources of
# prompts, which have no files.
MODEL_SOURCES = r"\A(mlflow-artifacts:/|runs:/|models:/|dummy-source\Z|prompt-template\Z)"
# asyncio resumes reading a connection in the context of the request that paused it, and so in the workspace of the last
# large upload. The authorisation plugin authorises the next request on that connection for the workspace in its
# context, while MLflow serves the workspace that the request names. Seen with MLflow 3.17.2, plugin 2.1.0 and uvicorn
# 0.54: after an upload of 32 MiB, 30 of 30 requests of one team to another team's workspace were admitted. Since then
# images/mlflow/server runs every request in a context of its own; this is a second protection, against whatever else
# a connection may carry over.
ONE_REQUEST_PER_CONNECTION = "--header connection:close"
# Workspaces are namespaces, which a worker asks Kubernetes for when it needs them (images/mlflow/server).
WORKSPACES = ("--enable-workspaces", "--workspace-store-uri=mlflow-platform://")
# Seconds for which a worker may leave its supervisor without an answer. With uvicorn's default of 5, a worker that gets
# no CPU, or parses a large document, is killed. A worker whose event loop is stuck ends itself (`watchdog.py`).
WORKER_SECONDS = 60
# The server takes headers of this many times `header_kibibytes`, which HAProxy bounds: OAuth2-Proxy adds the user's
# groups to what it has received. uvicorn's default of 64 KiB could be too small, and 1 MiB of short lines would cost
# its event loop 0.25 s.
HEADER_FACTOR = 4
# Allocations from this size on are given back to the node when they are freed. By default glibc raises the threshold to
# the largest one so far, and after two request bodies of 16 MiB a worker kept 114 MiB instead of 32.
LARGE_ALLOCATION_BYTES = 1024 * 1024
# Seconds that the login needs, after the server has stopped, to close its idle connections.
LOGIN_END_SECONDS = 5


def allowed_hosts(host: str, namespace: str, domain: str = DOMAIN) -> list[str]:
    """Host headers that the server accepts, each with and without a port; `domain` is the cluster's DNS domain."""
    service = ("mlflow", f"mlflow.{namespace}", f"mlflow.{namespace}.svc", service_host("mlflow", namespace, domain))
    names = (host, *service, "localhost", "127.0.0.1")
    return [form for name in names for form in (name, f"{name}:*")]


def command(
    args: MLflowArgs, *, namespace: str, database: str, artifacts: str, replica: str | None = None
) -> list[str]:
    """The server's command line; `database`, `artifacts` and `replica` are URIs.

    The command line contains no secret: libpq reads the password from PGPASSWORD.
    """
    return [
        "mlflow",
        "server",
        # Loopback: the only path to the server is through the login in the same pod.
        "--host=127.0.0.1",
        f"--port={UPSTREAM_PORT}",
        f"--workers={args.workers}",
        # images/mlflow/server: MLflow with the authorisation plugin, behind the platform's own checks.
        "--app-name=mlflow-platform",
        *(WORKSPACES if args.only_workspace is None else ()),
        f"--backend-store-uri={database}",
        *(() if replica is None else (f"--read-replica-backend-store-uri={replica}",)),
        f"--artifacts-destination={artifacts}",
        "--serve-artifacts",
        f"--uvicorn-opts={uvicorn_options(args.termination_seconds, args.bounds['header_kibibytes'])}",
        f"--allowed-hosts={','.join(allowed_hosts(args.address.host, namespace, args.domain))}",
        f"--cors-allowed-origins={args.address.origin}",
    ]


def uvicorn_options(termination_seconds: int, header_kibibytes: int) -> str:
    """Options of uvicorn: one request per connection, the header limit, and its times.

    The seconds to finish running requests are the termination grace period, minus those of the preStop hook
    (`DRAIN_SECONDS`) and of the shutdown of the login (`LOGIN_END_SECONDS`), which stops after the server.
    """
    finishing = termination_seconds - DRAIN_SECONDS - LOGIN_END_SECONDS
    return " ".join(
        (
            ONE_REQUEST_PER_CONNECTION,
            f"--h11-max-incomplete-event-size {HEADER_FACTOR * header_kibibytes * 1024}",
            f"--timeout-worker-healthcheck {WORKER_SECONDS}",
            f"--timeout-graceful-shutdown {finishing}",
        )
    )


def environment(args: MLflowArgs) -> dict[str, str]:
    """The server's environment variables, without the secret ones."""
    variables = {
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "MALLOC_MMAP_THRESHOLD_": str(LARGE_ALLOCATION_BYTES),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": MODEL_SOURCES,
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(args.pool_size),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(args.pool_overflow),
        "MLFLOW_PLATFORM_THREADS": str(threads(args.pool_size, args.pool_overflow)),
        "MLFLOW_PLATFORM_WORKERS": str(args.workers),
        "MLFLOW_PLATFORM_BOUNDS": json.dumps(dict(args.bounds), sort_keys=True),
        "MLFLOW_K8S_AUTH_AUTHORIZATION_MODE": (
            "self_subject_access_review" if args.login.passes_token else "subject_access_review"
        ),
        "MLFLOW_K8S_AUTH_CACHE_TTL_SECONDS": str(args.access_cache_seconds),
        "MLFLOW_K8S_AUTH_REMOTE_USER_HEADER": args.login.user_header,
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_HEADER": "x-forwarded-groups",
        # OAuth2-Proxy joins groups with commas.
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_SEPARATOR": ",",
        "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR": ",".join(
            f"{label}={value}" for label, value in sorted(args.workspace_labels.items())
        ),
    }
    if not args.login.passes_token:
        variables["MLFLOW_PLATFORM_IDENTITIES"] = SELECTOR
    if args.only_workspace is not None:
        variables["MLFLOW_K8S_AUTH_WORKSPACES_ENABLED"] = "false"
        variables["MLFLOW_K8S_AUTH_NAMESPACE"] = args.only_workspace
        # libpq: without workspaces, all rows are in this one. Commands in the pod see them as well.
        variables["PGOPTIONS"] = "-c mlflow.workspace=default"
    if args.contact is not None:
        variables["MLFLOW_PLATFORM_CONTACT"] = args.contact
    if args.features:
        variables["MLFLOW_PLATFORM_FEATURES"] = ",".join(args.features)
    if args.webhook_hosts:
        variables["MLFLOW_PLATFORM_WEBHOOK_HOSTS"] = ",".join(args.webhook_hosts)
        variables["MLFLOW_PLATFORM_WEBHOOK_PROXY"] = webhook_proxy.ADDRESS
    if args.address.path:
        variables["MLFLOW_PLATFORM_PATH"] = args.address.path
    return variables
