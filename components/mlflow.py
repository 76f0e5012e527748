"""The MLflow server: its pod with the login beside it, what it may ask Kubernetes, and its Service.

Workspaces are namespaces labelled `mlflow-enabled=true`. Every request is judged by Kubernetes RBAC: the server asks
by SubjectAccessReview whether the identity that the login established may do it in the workspace's namespace.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import login, networks, pods
from components.address import Address
from components.artifact_store import ArtifactStore
from components.database import Database
from components.login import Login
from components.workspace import ENABLED_LABEL, WORKSPACE_LABELS

core = k8s.core.v1
rbac = k8s.rbac.v1

LABELS = pods.labels("mlflow")
# Seconds that a pod keeps serving after it was asked to end, until every proxy has taken it out of its list.
DRAIN_SECONDS = 5
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
ONE_REQUEST_PER_CONNECTION = "--uvicorn-opts=--header connection:close"


@dataclass(frozen=True, kw_only=True, slots=True)
class MLflowArgs:
    """Input of `MLflow`."""

    namespace: pulumi.Input[str]
    image: str
    address: Address
    """Where clients find it."""

    replicas: int
    workers: int
    """Worker processes in each replica."""

    pool_size: int
    """Database connections that a worker keeps."""

    pool_overflow: int
    """Connections that a worker opens beyond that under load."""

    resources: pods.Resources
    upload_space: str
    """Space for the few files that the server does not stream, as a Kubernetes quantity."""

    access_cache_seconds: int
    """How long an answer of Kubernetes RBAC is kept: the lag of a revocation there."""

    database: Database
    artifacts: ArtifactStore
    login: Login
    api_server: Sequence[str]
    """Address ranges of the API server; none means anywhere."""

    controller_namespace: str
    """Namespace of the ingress controller."""

    client_namespaces: Sequence[str] = ()
    """Namespaces beside the workspaces whose programs come without the ingress."""

    ready: list[pulumi.Resource]
    """What has to be done before the rollout: the migration, the identity provider."""


def allowed_hosts(host: str, namespace: str) -> list[str]:
    """Host headers that the server answers, each with and without a port."""
    service = ("mlflow", f"mlflow.{namespace}", f"mlflow.{namespace}.svc", f"mlflow.{namespace}.svc.cluster.local")
    names = (host, *service, "localhost", "127.0.0.1")
    return [form for name in names for form in (name, f"{name}:*")]


def command(args: MLflowArgs, namespace: str) -> list[str]:
    """The server's command line. It holds no secret: libpq reads the password from PGPASSWORD."""
    return [
        "mlflow",
        "server",
        # Loopback: the login in the same pod is the one way in.
        "--host=127.0.0.1",
        f"--port={login.UPSTREAM_PORT}",
        f"--workers={args.workers}",
        # The authorisation plugin behind the door of images/mlflow/server.
        "--app-name=mlflow-platform",
        "--enable-workspaces",
        "--workspace-store-uri=kubernetes://",
        f"--backend-store-uri={args.database.uri}",
        f"--artifacts-destination={args.artifacts.uri}",
        "--serve-artifacts",
        ONE_REQUEST_PER_CONNECTION,
        f"--allowed-hosts={','.join(allowed_hosts(args.address.host, namespace))}",
        f"--cors-allowed-origins={args.address.origin}",
    ]


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
        "MLFLOW_K8S_AUTH_AUTHORIZATION_MODE": "subject_access_review",
        "MLFLOW_K8S_AUTH_CACHE_TTL_SECONDS": str(args.access_cache_seconds),
        "MLFLOW_K8S_AUTH_REMOTE_USER_HEADER": "x-forwarded-email",
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_HEADER": "x-forwarded-groups",
        # OAuth2-Proxy joins with commas.
        "MLFLOW_K8S_AUTH_REMOTE_GROUPS_SEPARATOR": ",",
        "MLFLOW_K8S_WORKSPACE_LABEL_SELECTOR": f"{ENABLED_LABEL}=true",
        "AWS_REGION": args.artifacts.region,
    }
    if args.address.path:
        variables["MLFLOW_PLATFORM_PATH"] = args.address.path
    if args.artifacts.endpoint_url is not None:
        variables["MLFLOW_S3_ENDPOINT_URL"] = args.artifacts.endpoint_url
    return variables


class MLflow(pulumi.ComponentResource):
    """A Deployment of server and login, and the Service that leads to the login."""

    service: core.Service

    def __init__(self, name: str, args: MLflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mlflow-platform:index:MLflow", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = core.ServiceAccount(
            f"{name}-account",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="mlflow", labels=LABELS),
            automount_service_account_token=False,
            opts=child,
        )
        access = self._access(name, account, args.namespace)
        network = networks.open_flows(
            name,
            args.namespace,
            to_pods=LABELS,
            ingress=[
                networks.Flow(
                    peers=[
                        networks.namespace(args.controller_namespace),
                        networks.namespaces(WORKSPACE_LABELS),
                        *map(networks.namespace, args.client_namespaces),
                    ],
                    ports=[login.PORT],
                )
            ],
            egress=[
                args.database.flow,
                args.artifacts.flow,
                *args.login.flows(controller_namespace=args.controller_namespace, api_server=args.api_server),
            ],
            opts=child,
        )
        deployment = k8s.apps.v1.Deployment(
            f"{name}-server",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="mlflow", labels=LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=args.replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=LABELS),
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                template=core.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
                    spec=_pod(args, account.metadata.name),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    access,
                    network,
                    args.database.ready,
                    args.artifacts.ready,
                    *args.login.ready,
                    *args.ready,
                ],
            ),
        )
        self.service = core.Service(
            f"{name}-service",
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace=args.namespace, name="mlflow", labels=LABELS),
            spec=core.ServiceSpecArgs(
                selector=LABELS, ports=[core.ServicePortArgs(name="http", port=80, target_port=login.PORT)]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        self.register_outputs({})

    def _access(self, name: str, account: core.ServiceAccount, namespace: pulumi.Input[str]) -> rbac.ClusterRoleBinding:
        """What the server may ask of the API server: which workspaces exist, and who may do what in them."""
        child = pulumi.ResourceOptions(parent=self)
        role = rbac.ClusterRole(
            f"{name}-role",
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
            rules=[
                rbac.PolicyRuleArgs(api_groups=[""], resources=["namespaces"], verbs=["get", "list", "watch"]),
                # Without it the plugin logs a refusal on nearly every request, even where the kind is unknown.
                rbac.PolicyRuleArgs(
                    api_groups=["mlflow.kubeflow.org"],
                    resources=["mlflowconfigs"],
                    verbs=["get", "list", "watch"],
                ),
                rbac.PolicyRuleArgs(
                    api_groups=["authorization.k8s.io"], resources=["subjectaccessreviews"], verbs=["create"]
                ),
            ],
            opts=child,
        )
        return rbac.ClusterRoleBinding(
            f"{name}-binding",
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=LABELS),
            role_ref=rbac.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=role.metadata.name
            ),
            subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=namespace)],
            opts=child,
        )


def _container(args: MLflowArgs) -> core.ContainerArgs:
    health = f"{args.address.path}/health"
    return core.ContainerArgs(
        name="mlflow",
        image=args.image,
        command=pulumi.Output.from_input(args.namespace).apply(lambda namespace: command(args, namespace)),
        env=[
            *(core.EnvVarArgs(name=key, value=value) for key, value in sorted(environment(args).items())),
            pods.secret_env("PGPASSWORD", args.database.password, "password"),
            pods.secret_env("AWS_ACCESS_KEY_ID", args.artifacts.credentials, "access-key-id"),
            pods.secret_env("AWS_SECRET_ACCESS_KEY", args.artifacts.credentials, "secret-access-key"),
        ],
        resources=args.resources.to_args(),
        security_context=pods.container_security(),
        # Through the login, the only way in. Measured start: 27-43 s on two loaded cores; five minutes are allowed.
        startup_probe=pods.http_probe(health, login.PORT, period=2, failures=150),
        readiness_probe=pods.http_probe(health, login.PORT, period=10, failures=2),
        liveness_probe=pods.http_probe(health, login.PORT, delay=15, period=30, failures=3),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=DRAIN_SECONDS))
        ),
        volume_mounts=[
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
            core.VolumeMountArgs(
                name="token", mount_path="/var/run/secrets/kubernetes.io/serviceaccount", read_only=True
            ),
        ],
    )


def _pod(args: MLflowArgs, account: pulumi.Input[str]) -> core.PodSpecArgs:
    return core.PodSpecArgs(
        service_account_name=account,
        # Mounted by hand below, in the server's container only: the login has no use for it.
        automount_service_account_token=False,
        # A Service called `mlflow` would set MLFLOW_PORT, which the server takes for its own option.
        enable_service_links=False,
        security_context=pods.pod_security(pods.MLFLOW_UID),
        # Requests in flight are finished: the longest measured batch under load took two seconds.
        termination_grace_period_seconds=60,
        init_containers=[args.login.sidecar],
        containers=[_container(args)],
        volumes=[
            pods.scratch("tmp", args.upload_space),
            core.VolumeArgs(
                name="token",
                projected=core.ProjectedVolumeSourceArgs(
                    sources=[
                        core.VolumeProjectionArgs(
                            service_account_token=core.ServiceAccountTokenProjectionArgs(
                                path="token", expiration_seconds=3607
                            )
                        ),
                        core.VolumeProjectionArgs(
                            config_map=core.ConfigMapProjectionArgs(
                                name="kube-root-ca.crt",
                                items=[core.KeyToPathArgs(key="ca.crt", path="ca.crt")],
                            )
                        ),
                        core.VolumeProjectionArgs(
                            downward_api=core.DownwardAPIProjectionArgs(
                                items=[
                                    core.DownwardAPIVolumeFileArgs(
                                        path="namespace",
                                        field_ref=core.ObjectFieldSelectorArgs(field_path="metadata.namespace"),
                                    )
                                ]
                            )
                        ),
                    ]
                ),
            ),
            *args.login.volumes,
        ],
    )
