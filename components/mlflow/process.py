"""The server's command line and environment, as functions of what it is given."""

from components.kubernetes.availability import DRAIN_SECONDS
from components.login import oauth2_proxy as login
from components.mlflow.args import MLflowArgs
from components.team.workspace import ENABLED_LABEL

# Model versions are kept where the server keeps them. It fetches them with its own key, and MLflow checks locations of
# these schemes only against what the caller owns: `s3://` reached into every team's files. The last two stand for
# prompts, which have no files.
MODEL_SOURCES = r"\A(mlflow-artifacts:/|runs:/|models:/|dummy-source\Z|prompt-template\Z)"
# asyncio resumes reading a connection in the context of the request that had paused it, and with that in the
# workspace of whoever sent the last large upload. The authorisation plugin takes a workspace that it finds in its
# context for the caller's and judges the next request on that connection by it, while MLflow serves the workspace
# that the request names. Seen with MLflow 3.17.2, plugin 2.1.0 and uvicorn 0.54: after an upload of 32 MiB, 30 of 30
# requests of one team to another team's workspace were admitted. images/mlflow/server runs every request in a context
# of its own since; this is the second lock on that door, for what else a connection may remember.
ONE_REQUEST_PER_CONNECTION = "--header connection:close"
WORKSPACES = ("--enable-workspaces", "--workspace-store-uri=kubernetes://")
# The most that Traefik and OAuth2-Proxy take for a request's headers, a limit of Go's. uvicorn's is 64 KiB, and cookies
# and header of somebody in 200 groups are as long as that.
HEADER_BYTES = 1024 * 1024
# Seconds for the login to let its idle connections go: it has nothing else left to do.
LOGIN_END_SECONDS = 5


def allowed_hosts(host: str, namespace: str) -> list[str]:
    """Host headers that the server answers, each with and without a port."""
    service = ("mlflow", f"mlflow.{namespace}", f"mlflow.{namespace}.svc", f"mlflow.{namespace}.svc.cluster.local")
    names = (host, *service, "localhost", "127.0.0.1")
    return [form for name in names for form in (name, f"{name}:*")]


def command(args: MLflowArgs, *, namespace: str, database: str, artifacts: str) -> list[str]:
    """The server's command line; `database` and `artifacts` are their URIs.

    It holds no secret: libpq reads the password from PGPASSWORD.
    """
    return [
        "mlflow",
        "server",
        # Loopback: the login in the same pod is the one way in.
        "--host=127.0.0.1",
        f"--port={login.UPSTREAM_PORT}",
        f"--workers={args.workers}",
        # The authorisation plugin behind the door of images/mlflow/server.
        "--app-name=mlflow-platform",
        *(WORKSPACES if args.only_workspace is None else ()),
        f"--backend-store-uri={database}",
        f"--artifacts-destination={artifacts}",
        "--serve-artifacts",
        f"--uvicorn-opts={uvicorn_options(args.termination_seconds)}",
        f"--allowed-hosts={','.join(allowed_hosts(args.address.host, namespace))}",
        f"--cors-allowed-origins={args.address.origin}",
    ]


def uvicorn_options(termination_seconds: int) -> str:
    """How uvicorn takes connections, and how long it finishes requests when it was asked to end.

    New ones come for `DRAIN_SECONDS` more; the login beside it ends after it, in `LOGIN_END_SECONDS`.
    """
    finishing = termination_seconds - DRAIN_SECONDS - LOGIN_END_SECONDS
    return " ".join(
        (
            ONE_REQUEST_PER_CONNECTION,
            f"--h11-max-incomplete-event-size {HEADER_BYTES}",
            f"--timeout-graceful-shutdown {finishing}",
        )
    )


def threads(pool_size: int, pool_overflow: int) -> int:
    """Requests that a worker handles at once, so that two connections for each are there.

    Logging a batch takes a second connection while it holds one (`SqlAlchemyStore.log_batch`); only batches that rename
    their run take up to four, and would have to come all at once to wait. One connection is left for the authorisation,
    which looks up a run's workspace in the event loop and would stop it by waiting.
    """
    return max(1, (pool_size + pool_overflow - 1) // 2)


def environment(args: MLflowArgs) -> dict[str, str]:
    """The server's environment without the secrets."""
    variables = {
        "HOME": "/tmp",  # noqa: S108 - a volume of the pod
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": MODEL_SOURCES,
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(args.pool_size),
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": str(args.pool_overflow),
        "MLFLOW_PLATFORM_THREADS": str(threads(args.pool_size, args.pool_overflow)),
        "MLFLOW_K8S_AUTH_AUTHORIZATION_MODE": (
            "self_subject_access_review" if args.login.passes_token else "subject_access_review"
        ),
        "MLFLOW_K8S_AUTH_CACHE_TTL_SECONDS": str(args.access_cache_seconds),
        "MLFLOW_K8S_AUTH_REMOTE_USER_HEADER": args.login.user_header,
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_HEADER": "x-forwarded-groups",
        # OAuth2-Proxy joins with commas.
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_SEPARATOR": ",",
        "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR": f"{ENABLED_LABEL}=true",
    }
    if args.only_workspace is not None:
        variables["MLFLOW_K8S_AUTH_WORKSPACES_ENABLED"] = "false"
        variables["MLFLOW_K8S_AUTH_NAMESPACE"] = args.only_workspace
    if args.contact is not None:
        variables["MLFLOW_PLATFORM_CONTACT"] = args.contact
    if args.address.path:
        variables["MLFLOW_PLATFORM_PATH"] = args.address.path
    return variables
