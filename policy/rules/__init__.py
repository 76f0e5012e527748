"""All policies of the pack, with the names under which they are reported and configured."""

from pulumi_policy import Policy

from . import aws
from .access import narrow, personal
from .availability import drainable, spread_out
from .containers import probed, read_only, sized, versioned, without_token
from .network import closed_by_default, encrypted, explicit_peers, internal
from .pod_security import restricted
from .resource import resource_policy, stack_policy
from .secrets import without_literals
from .stack import PROTECTION_CONFIG, explicit_provider, protected, restricted_namespace

POLICIES: list[Policy] = [
    resource_policy("pods-are-restricted", "Pods meet the restricted Pod Security Standard.", restricted),
    resource_policy("containers-are-sized", "Containers have CPU and memory requests and limits.", sized),
    resource_policy("containers-are-probed", "Long-running containers have readiness and liveness probes.", probed),
    resource_policy("images-name-a-version", "Images have a version tag or a digest.", versioned),
    resource_policy("root-file-systems-are-read-only", "Containers have a read-only root file system.", read_only),
    resource_policy(
        "api-tokens-are-mounted-on-purpose", "Pods get no service-account token by default.", without_token
    ),
    stack_policy("replicas-are-spread", "Workloads with several replicas spread them over nodes.", spread_out),
    stack_policy("replicas-survive-a-drain", "Workloads with several replicas have a PodDisruptionBudget.", drainable),
    resource_policy(
        "secrets-stay-in-secrets", "Pods and ConfigMaps contain no secrets in plain text.", without_literals
    ),
    resource_policy("roles-are-narrow", "Roles have no wildcards and allow no privilege escalation.", narrow),
    resource_policy("bindings-name-their-subjects", "RBAC bindings have specific subjects.", personal),
    resource_policy("services-are-internal", "Services are reachable only from inside the cluster.", internal),
    resource_policy("ingresses-are-encrypted", "Every host of an Ingress has a TLS certificate.", encrypted),
    resource_policy("network-policies-name-their-peers", "NetworkPolicies list their allowed peers.", explicit_peers),
    stack_policy("namespaces-are-closed", "Namespaces deny all traffic by default.", closed_by_default),
    resource_policy(
        "namespaces-are-restricted", "Namespaces enforce the restricted Pod Security Standard.", restricted_namespace
    ),
    resource_policy(
        "data-is-protected", "Resources with data are protected from deletion.", protected, PROTECTION_CONFIG
    ),
    stack_policy("buckets-are-guarded", "Buckets are encrypted, versioned, private and accept only TLS.", aws.guarded),
    resource_policy("aws-is-closed", "AWS resources are encrypted and not public.", aws.closed),
    resource_policy(
        "databases-are-durable", "Databases at AWS have backups and deletion protection.", aws.durable, aws.CONFIG
    ),
    resource_policy(
        "rights-at-aws-are-least", "IAM policies list specific actions, resources and principals.", aws.least
    ),
    resource_policy("providers-are-explicit", "No resource uses a default provider of Pulumi.", explicit_provider),
]
