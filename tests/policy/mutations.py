"""Changes that break the program, one or more for each rule of the pack; only that rule must report them."""

from tests.policy.judge import ABSENT, Path
from tests.policy.mutation import Mutation

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
ENFORCE = ("metadata", "labels", "pod-security.kubernetes.io/enforce")
S3_FOR_ALL = '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::artifacts"}}'


def _both(rule: str, name: str, path: Path, *, value: object, decided_by: tuple[str, ...] = ()) -> list[Mutation]:
    """The same mutation in both stacks."""
    return [
        Mutation(rule=rule, stack=one, name=name, path=path, value=value, decided_by=decided_by)
        for one in ("dev", "prod")
    ]


EVERYBODY = {"kind": "Group", "name": "system:masters"}
PASSWORD = [{"name": "PGPASSWORD", "value": "hunter2"}]
PLAIN = "postgresql+psycopg://mlflow@db.example.com:5432/mlflow?sslmode=require"
EXPIRATION = "rules.1.noncurrentVersionExpiration"
# PGHOST is the first variable of that Job, and PGSSLMODE the third one.
VARIABLE = f"{CONTAINER}.env"
# The name of a namespace: an object of another one could be meant for it.
NAME = ("metadata.name",)
LISTENER = "spec.listeners.1"
REGISTRIES = [
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "docker.io/library",
    "quay.io/oauth2-proxy",
]

MUTATIONS: list[Mutation] = [
    *_both("pods-are-restricted", "mlflow-server", f"{POD}.initContainers.0.securityContext.privileged", value=True),
    *_both(
        "pods-are-restricted",
        "migration-job",
        f"{POD}.securityContext.runAsNonRoot",
        value=False,
        decided_by=(f"{CONTAINER}.securityContext.runAsNonRoot",),
    ),
    *_both("containers-are-sized", "mlflow-server", f"{CONTAINER}.resources.limits", value=ABSENT),
    *_both(
        "containers-are-probed",
        "mlflow-server",
        f"{POD}.initContainers.0.livenessProbe",
        value=ABSENT,
        decided_by=(f"{POD}.initContainers.0.restartPolicy",),
    ),
    *_both(
        "images-name-a-version", "mlflow-server", f"{CONTAINER}.image", value="localhost/mlflow-platform/mlflow:latest"
    ),
    *_both(
        "root-file-systems-are-read-only",
        "mlflow-server",
        f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
        value=False,
    ),
    *_both("api-tokens-are-mounted-on-purpose", "mlflow-server", f"{POD}.automountServiceAccountToken", value=True),
    *_both("secrets-stay-in-secrets", "migration-job", f"{CONTAINER}.env", value=PASSWORD),
    *_both("databases-are-verified", "migration-job", f"{CONTAINER}.command", value=["python", PLAIN]),
    Mutation(
        rule="databases-are-verified",
        stack="prod",
        name="database-role-job",
        path=f"{VARIABLE}.2.value",
        value="verify-ca",
        decided_by=(f"{VARIABLE}.0.name", f"{VARIABLE}.0.value", f"{VARIABLE}.2.name"),
    ),
    *_both("roles-are-narrow", "mlflow-role", "rules.0.verbs", value=["*"]),
    *_both("bindings-name-their-subjects", "mlflow-binding", "subjects.0", value=EVERYBODY),
    *_both("services-are-internal", "mlflow-service", "spec.type", value="LoadBalancer"),
    *_both("services-are-internal", "mlflow-service", "spec.type", value="NodePort"),
    *_both("ingresses-are-encrypted", "gateway-ingress", "spec.tls", value=ABSENT, decided_by=("spec.rules",)),
    *_both("network-policies-name-their-peers", "mlflow-network", "spec.ingress.0.from", value=ABSENT),
    *_both("namespaces-are-closed", "platform-closed", "spec.policyTypes", value=["Ingress"]),
    *_both("namespaces-are-restricted", "platform-namespace", ENFORCE, value="baseline"),
    Mutation(
        rule="images-are-pinned",
        stack="pinned",
        name="mlflow-server",
        path=f"{CONTAINER}.image",
        value="123456789012.dkr.ecr.eu-central-1.amazonaws.com/mlflow-platform/mlflow:3.17.2",
        configuration={"images-are-pinned": "mandatory"},
    ),
    Mutation(
        rule="images-come-from-known-registries",
        stack="prod",
        name="mlflow-server",
        path=f"{CONTAINER}.image",
        value="docker.io/somebody/mlflow:3.17.2",
        configuration={"images-come-from-known-registries": {"registries": REGISTRIES}},
    ),
    *[
        Mutation(rule="gateways-are-encrypted", stack="gateway", name="listeners-gateway", path=path, value=value)
        for path, value in ((f"{LISTENER}.protocol", "HTTP"), (f"{LISTENER}.tls", ABSENT))
    ],
    Mutation(rule="namespaces-are-bounded", stack="dev", name="team-a-quota", gone=True, decided_by=NAME),
    Mutation(rule="namespaces-are-bounded", stack="prod", name="research-quota", gone=True, decided_by=NAME),
    Mutation(rule="data-is-protected", stack="prod", name="platform-namespace", options={"protect": False}),
    Mutation(rule="databases-are-durable", stack="prod", name="rds-instance", options={"protect": False}),
    Mutation(rule="databases-are-durable", stack="prod", name="bucket-bucket", options={"protect": False}),
    Mutation(rule="databases-are-durable", stack="prod", name="rds-instance", path="deletionProtection", value=False),
    Mutation(
        rule="databases-have-backups",
        stack="in-cluster",
        name="postgres-server",
        path=f"{POD}.containers.1",
        value=ABSENT,
        decided_by=(f"{CONTAINER}.image",),
    ),
    Mutation(rule="providers-are-explicit", stack="dev", name="mlflow-service", options={"provider": "default_4_34_2"}),
    Mutation(rule="replicas-survive-a-drain", stack="prod", name="mlflow-disruption-budget", gone=True),
    Mutation(
        rule="replicas-are-spread",
        stack="prod",
        name="mlflow-server",
        path=f"{POD}.topologySpreadConstraints",
        value=ABSENT,
    ),
    Mutation(rule="buckets-are-guarded", stack="prod", name="bucket-versioning", gone=True),
    Mutation(rule="buckets-keep-old-versions", stack="prod", name="bucket-lifecycle", gone=True),
    Mutation(rule="buckets-keep-old-versions", stack="prod", name="bucket-lifecycle", path=EXPIRATION, value=ABSENT),
    Mutation(
        rule="buckets-keep-old-versions",
        stack="prod",
        name="bucket-lifecycle",
        path=f"{EXPIRATION}.noncurrentDays",
        value=89,
        configuration={"buckets-keep-old-versions": {"minimumDays": 90}},
    ),
    Mutation(
        rule="aws-is-tagged",
        stack="prod",
        name="aws",
        path="defaultTags",
        value='{"tags": {"mlflow-platform": "mlflow.example.com"}}',
        configuration={"aws-is-tagged": {"keys": ["cost-center"]}},
    ),
    Mutation(
        rule="aws-is-closed",
        stack="prod",
        name="bucket-versioning",
        path="versioningConfiguration.status",
        value="Suspended",
    ),
    Mutation(
        rule="rights-at-aws-are-least", stack="prod", name="server-identity-policy", path="policy", value=S3_FOR_ALL
    ),
]
