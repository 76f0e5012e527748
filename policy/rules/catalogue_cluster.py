"""The rules about access, network, namespaces and providers.

The functions that find violations are in a module for each topic.
"""

from . import access, backups, network, stack
from .references import POD_SECURITY, PULUMI, Reference, benchmark, hardening
from .rule import ResourceRule, Rule, StackRule

RULES: tuple[Rule, ...] = (
    ResourceRule(
        name="roles-are-narrow",
        demands="Roles have no wildcards and allow no privilege escalation.",
        reason="A wildcard grants rights that nobody has reviewed, including those that later versions add.",
        remedy="List verbs, resources and API groups; list Secrets by name.",
        reference=benchmark("5.1.3, wildcards, and 5.1.8, bind, impersonate and escalate"),
        finds=access.narrow,
    ),
    ResourceRule(
        name="bindings-name-their-subjects",
        demands="RBAC bindings have specific subjects.",
        reason="Groups such as system:authenticated include every future user and service account.",
        remedy="List groups, users or service accounts; bind a role that allows only what is needed.",
        reference=hardening("Authentication and authorization"),
        finds=access.personal,
    ),
    ResourceRule(
        name="services-are-internal",
        demands="Services are reachable only from inside the cluster.",
        reason="A load balancer or a node port bypasses sign-in and TLS.",
        remedy="Use the type ClusterIP, and expose the Service through an Ingress that requires sign-in.",
        reference=hardening("Network separation and hardening"),
        finds=network.internal,
    ),
    ResourceRule(
        name="ingresses-are-encrypted",
        demands="Every host of an Ingress has a TLS certificate.",
        reason="Passwords and tokens would cross the network in plain text.",
        remedy="Add each host to an entry of spec.tls with a Secret.",
        reference=hardening("Network separation and hardening"),
        finds=network.encrypted,
    ),
    ResourceRule(
        name="gateways-are-encrypted",
        demands="Every listener of a Gateway is encrypted.",
        reason="Passwords and tokens would cross the network in plain text.",
        remedy="Use the protocol HTTPS, and name the certificate's Secret in tls.certificateRefs.",
        reference=Reference("Gateway API, TLS", "https://gateway-api.sigs.k8s.io/guides/tls/"),
        finds=network.encrypted_listeners,
    ),
    ResourceRule(
        name="network-policies-name-their-peers",
        demands="NetworkPolicies list their allowed peers.",
        reason="A rule without peers allows every other tenant, and the metadata services of clouds.",
        remedy="List peers by namespace, pod or address range; exclude 169.254.0.0/16.",
        reference=hardening("Network policies"),
        finds=network.explicit_peers,
    ),
    StackRule(
        name="namespaces-are-closed",
        demands="Namespaces deny all traffic by default.",
        reason="Without a policy, pods of the namespace can connect to all others, and all others to them.",
        remedy="Add a NetworkPolicy for all pods and both directions that allows nothing but DNS.",
        reference=benchmark("5.3.2, network policies in all namespaces"),
        finds=network.closed_by_default,
    ),
    ResourceRule(
        name="namespaces-are-restricted",
        demands="Namespaces enforce the restricted Pod Security Standard.",
        reason="This pack does not check pods that are created in the namespace without Pulumi.",
        remedy="Set the label pod-security.kubernetes.io/enforce to restricted.",
        reference=POD_SECURITY,
        finds=stack.restricted_namespace,
    ),
    StackRule(
        name="namespaces-are-bounded",
        demands="Every namespace but the platform's own has a ResourceQuota.",
        reason="Without a quota one team could use up the nodes of all teams.",
        remedy="Add a ResourceQuota without scopes, with the bounds in spec.hard.",
        reference=hardening("Resource policies"),
        parameters=stack.BOUNDS,
        finds=stack.bounded,
    ),
    ResourceRule(
        name="data-is-protected",
        demands="Resources with data are protected from deletion.",
        reason="Without protection, renaming a resource or selecting the wrong stack deletes the data for good.",
        remedy="Pass protect=True, or list the stack in the parameter `disposableStacks`.",
        reference=Reference("Pulumi, protect", f"{PULUMI}/resources/options/protect/"),
        parameters=stack.DISPOSABLE,
        finds=stack.protected,
    ),
    StackRule(
        name="databases-have-backups",
        demands="PostgreSQL in the cluster has backups in production.",
        reason="All metadata of all teams is on one volume, which keeps no earlier state after a mistake.",
        remedy="Switch backups.enabled on; in another program add a container or a CronJob that takes backups.",
        reference=Reference("PostgreSQL, Backup and Restore", "https://www.postgresql.org/docs/current/backup.html"),
        parameters=backups.DEMANDED,
        finds=backups.backed_up,
    ),
    ResourceRule(
        name="providers-are-explicit",
        demands="No resource uses a default provider of Pulumi.",
        reason="A default provider deploys to whatever cluster or account the shell has selected.",
        remedy="Pass a provider in opts, or in the providers of the resource's component.",
        reference=Reference("Pulumi, Providers", f"{PULUMI}/resources/providers/"),
        finds=stack.explicit_provider,
    ),
)
