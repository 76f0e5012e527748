"""The rules about pods and the workloads that create them.

The functions that find violations are in a module for each topic.
"""

from pulumi_policy import EnforcementLevel

from . import availability, containers, database, secrets
from .pod_security import restricted
from .references import KUBERNETES, POD_SECURITY, Reference, benchmark, hardening
from .rule import ResourceRule, Rule, StackRule

RULES: tuple[Rule, ...] = (
    ResourceRule(
        name="pods-are-restricted",
        demands="Pods meet the restricted Pod Security Standard.",
        reason="A process with more rights can leave its container and take over the node.",
        remedy="Set the fields of securityContext that the message names; use no volumes of the node's file system.",
        reference=POD_SECURITY,
        finds=restricted,
    ),
    ResourceRule(
        name="containers-are-sized",
        demands="Containers have CPU and memory requests and limits.",
        reason="A container without limits takes resources that its neighbours on the node need.",
        remedy="Set resources.requests and resources.limits, each with cpu and memory.",
        reference=hardening("Resource policies"),
        finds=containers.sized,
    ),
    ResourceRule(
        name="containers-are-probed",
        demands="Long-running containers have readiness and liveness probes.",
        reason="Without probes a container that hangs keeps receiving requests and is never restarted.",
        remedy="Set readinessProbe and livenessProbe.",
        reference=Reference(
            "Kubernetes, Configure Probes",
            f"{KUBERNETES}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
        ),
        finds=containers.probed,
    ),
    ResourceRule(
        name="images-name-a-version",
        demands="Images have a version tag or a digest.",
        reason="If a tag moves, the next pod runs other code, which nobody has reviewed.",
        remedy="Name a version, and preferably its digest too.",
        reference=Reference("Kubernetes, Images", f"{KUBERNETES}/concepts/containers/images/"),
        finds=containers.versioned,
    ),
    ResourceRule(
        name="images-are-pinned",
        demands="Images have a digest.",
        reason="Everybody who can write to the registry can move any tag; a digest always means the same content.",
        remedy="Append `@sha256:` and the digest to the image.",
        reference=hardening("Building secure container images"),
        level=EnforcementLevel.DISABLED,
        finds=containers.pinned,
    ),
    ResourceRule(
        name="images-come-from-known-registries",
        demands="Images come from the registries that the stack allows.",
        reason="Images in other registries were neither scanned nor approved.",
        remedy="Copy the image to an allowed registry, or add its registry to the parameter.",
        reference=benchmark("5.5.1, image provenance"),
        parameters=containers.REGISTRIES,
        finds=containers.from_registries,
    ),
    ResourceRule(
        name="root-file-systems-are-read-only",
        demands="Containers have a read-only root file system.",
        reason="An intruder who can write to the root file system can replace the programs in it.",
        remedy="Set securityContext.readOnlyRootFilesystem, and mount volumes for files that the container writes.",
        reference=hardening("Immutable container file systems"),
        finds=containers.read_only,
    ),
    ResourceRule(
        name="api-tokens-are-mounted-on-purpose",
        demands="Pods get no service-account token by default.",
        reason="An intruder in a pod can use its token at the API server.",
        remedy="Set automountServiceAccountToken to false; mount a projected token in the container that needs one.",
        reference=benchmark("5.1.6, service account tokens only where necessary"),
        finds=containers.without_token,
    ),
    StackRule(
        name="replicas-are-spread",
        demands="Workloads with several replicas spread them over nodes.",
        reason="If all replicas are on one node, they fail together with the node.",
        remedy="Set topologySpreadConstraints, or affinity.",
        reference=Reference(
            "Kubernetes, Pod Topology Spread Constraints",
            f"{KUBERNETES}/concepts/scheduling-eviction/topology-spread-constraints/",
        ),
        finds=availability.spread_out,
    ),
    StackRule(
        name="replicas-survive-a-drain",
        demands="Workloads with several replicas have a PodDisruptionBudget.",
        reason="Without one, draining nodes for an upgrade could evict all replicas at once.",
        remedy="Add a PodDisruptionBudget with maxUnavailable 1.",
        reference=Reference("Kubernetes, Disruption Budgets", f"{KUBERNETES}/tasks/run-application/configure-pdb/"),
        finds=availability.drainable,
    ),
    ResourceRule(
        name="secrets-stay-in-secrets",
        demands="Pods and ConfigMaps contain no secrets in plain text.",
        reason="Everybody who may read workloads could read the secrets, and Pulumi's state has them unencrypted.",
        remedy="Put the value into a Secret, and refer to it by secretKeyRef or a file.",
        reference=hardening("Secrets"),
        finds=secrets.without_literals,
    ),
    ResourceRule(
        name="databases-are-verified",
        demands="Connections to PostgreSQL outside the namespace verify the server.",
        reason="Without verification anybody on the network path can pose as the database and read password and data.",
        remedy="Set sslmode to verify-full, and sslrootcert to the CA certificate.",
        reference=Reference("PostgreSQL, SSL Support", "https://www.postgresql.org/docs/current/libpq-ssl.html"),
        finds=database.verified,
    ),
)
