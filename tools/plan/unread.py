"""Changes that no other part of a plan reads: their fields are named, and the plan is not safe because of them.

Every changed field is named that is not in a list here. Each entry of these lists has a reason: the effect is shown
elsewhere in the plan, or the field gives nobody a right, a connection, or other code.
"""

import re
from collections.abc import Iterator, Sequence

from components.team.namespace import DESCRIPTION_ANNOTATION
from tools.plan.differences import COMPONENT, at, is_renamed
from tools.plan.preview import Json, Step, part, parts
from tools.plan.selectors import containers, pod

# Variables of which `trust` tells.
PROXIES, EXCEPTIONS = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"}), "NO_PROXY"
NAMESPACES = frozenset({"Namespace", "NamespacePatch"})
# Kinds that have no object of their own, or whose values only other resources use, which are named themselves.
RANDOM = "random:"
STACK = "pulumi:pulumi:"
# Kinds of which another part of the plan reads every field.
READ = frozenset({"NetworkPolicy"})
TLS = "kubernetes.io/tls"
POD = r"spec\.(?:(?:\w+\.)*template\.spec|predictor)"
CONTAINER = rf"{POD}\.(?:initContainers|containers)\[\d+\]"
# How often, how long and how many at once: `interruptions` and `totals` say what follows.
TIMING = (
    "replicas|suspend|schedule|strategy|updateStrategy|revisionHistoryLimit|progressDeadlineSeconds|minReadySeconds"
    r"|backoffLimit|activeDeadlineSeconds|ttlSecondsAfterFinished|\w*JobsHistoryLimit|startingDeadlineSeconds"
    r"|predictor\.(?:minReplicas|maxReplicas|deploymentStrategy)"
)
# On which nodes pods run, and which of them wait.
PLACES = "affinity|nodeSelector|tolerations|topologySpreadConstraints|priorityClassName|terminationGracePeriodSeconds"
PROBES = "periodSeconds|timeoutSeconds|initialDelaySeconds|failureThreshold|successThreshold"
HARMLESS = re.compile(
    rf"spec\.(?:{TIMING})\b.*"
    rf"|{POD}\.(?:{PLACES})\b.*"
    # Sizes, which `totals` sums. A probe's command runs in the container, so only its timing is here.
    rf"|{CONTAINER}\.(?:resources\b.*|\w+Probe\.(?:{PROBES})|imagePullPolicy)"
    # Versions of one image; images from elsewhere are named by `trust`.
    rf"|{CONTAINER}\.image"
    # Labels of pods: `pod_labels` and `trust` say what selects them.
    r"|spec\.(?:\w+\.)*template\.metadata\.labels\b.*|spec\.predictor\.labels\b.*"
    # Pulumi's provider writes these, or reads them while it waits.
    r'|metadata\.annotations\["pulumi\.com/(?:autonamed|skipAwait|timeoutSeconds|waitFor)"\]'
    rf'|metadata\.annotations\["{re.escape(DESCRIPTION_ANNOTATION)}"\]'
    # Checksums of configuration, by which pods restart: the configuration is named itself.
    r'|spec\.template\.metadata\.annotations\["mlflow-platform/configuration"\]'
    # `kubectl rollout restart`.
    r'|spec\.template\.metadata\.annotations\["kubectl\.kubernetes\.io/restartedAt"\]'
)
# Fields of single kinds, with the same reasons.
HARMLESS_OF = {
    # Requests and limits of pods; the ban of node ports is not among them.
    "ResourceQuota": re.compile(
        r'spec\.hard(?:\.pods|\["(?:requests|limits)\.(?:cpu|memory|storage)"\]|\["requests\.nvidia\.com/gpu"\])'
    ),
    "LimitRange": re.compile(r"spec\.limits\b.*"),
    "PodDisruptionBudget": re.compile(r"spec\.(?:minAvailable|maxUnavailable)"),
    "HorizontalPodAutoscaler": re.compile(r"spec\.(?:minReplicas|maxReplicas|metrics|behavior)\b.*"),
    # `data` says what becomes of volumes and of databases.
    "PersistentVolumeClaim": re.compile(r"spec\.resources\b.*"),
    "StatefulSet": re.compile(r"spec\.volumeClaimTemplates\[\d+\]\.spec\.resources\b.*"),
    "Instance": re.compile(
        "allocatedStorage|maxAllocatedStorage|instanceClass|engineVersion|multiAz|backup(?:RetentionPeriod|Window)"
        "|maintenanceWindow|applyImmediately|performanceInsights.*|monitoringInterval|deletionProtection"
        "|skipFinalSnapshot|finalSnapshotIdentifier|storageEncrypted|kmsKeyId|parameterGroupName|storageType"
    ),
    "BucketLifecycleConfiguration": re.compile(r"rules\b.*"),
    "Key": re.compile("deletionWindowInDays|enableKeyRotation|description"),
    # Of an update of the program's packages.
    "kubernetes": re.compile("version"),
    "aws": re.compile("version"),
}
TAGS = re.compile(r"tags(?:All)?\b.*")
# Kinds that give nobody anything when they are new: others refer to them, and change too.
PASSIVE = frozenset(
    {
        "ConfigMap", "HorizontalPodAutoscaler", "LimitRange", "PersistentVolumeClaim", "PodDisruptionBudget",
        "ResourceQuota", "Secret",
    }
)  # fmt: skip
# Kinds whose loss takes something away from somebody, and opens nothing; other parts of the plan say from whom.
LOSSES = frozenset(
    {
        "ClusterRole", "ClusterRoleBinding", "ConfigMap", "Deployment", "HTTPRoute", "HorizontalPodAutoscaler",
        "Ingress", "Job", "Namespace", "NamespacePatch", "PersistentVolumeClaim", "PodDisruptionBudget", "Role",
        "RoleBinding", "Secret", "Service", "ServiceAccount", "StatefulSet",
    }
)  # fmt: skip
# Data at AWS, of whose loss `data` tells.
LOST_AT_AWS = frozenset({"aws:rds/instance:Instance", "aws:s3/bucket:Bucket", "aws:kms/key:Key"})
# Options and variables whose names say that somebody is let in, trusted, or shown a secret, whatever their value is.
WORDS = re.compile(
    r"allow|audience|auth|ca[-_]?file|cert|cookie|cors|depth|domain|expire|gid|group|insecure|issuer|jwt|level|login"
    r"|mode|origin|port|proxy|redirect|rotation|secret|skip|ssl|tls|token|trust|uid|user|verify|version|whitelist",
    re.IGNORECASE,
)
CODE = re.compile(rf"{CONTAINER}\.(?:env|args|command)\b(?:\[\d+\](?:\.value|\.name)?)?")
# A number, a size or a duration.
AMOUNT = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdkKMGT%B]|[kKMGT]i?B?)?)+")
OPTION = re.compile(r"(-{0,2}[\w.-]+)=(.*)", re.DOTALL)


def fields(step: Step) -> tuple[str, ...]:
    """The fields of an updated or replaced object that no part of the plan reads."""
    if not _is_object(step) or step.kind in READ or _is_certificate(step):
        return ()
    return tuple(path for path in step.changed if not _is_harmless(step, path))


def is_new(step: Step, spaces: set[str]) -> bool:
    """True for a created object of a kind that gives somebody something; not in the new namespaces `spaces`."""
    if step.op != "create" or not _is_object(step) or step.kind in READ | PASSIVE | NAMESPACES:
        return False
    # A Service inside the cluster is reached as its pods are, by NetworkPolicies.
    if step.kind == "Service" and part(step.new, "spec").get("type", "ClusterIP") == "ClusterIP":
        return False
    if step.kind == "ServiceAccount" and not part(step.new, "metadata", "annotations"):
        return False
    return str(part(step.new, "metadata").get("namespace")) not in spaces


def is_gone(step: Step, spaces: set[str]) -> bool:
    """True for a deleted object of a kind that may have guarded something; not in the deleted namespaces `spaces`."""
    if step.op != "delete" or not _is_object(step) or step.kind in READ | LOSSES or step.type in LOST_AT_AWS:
        return False
    return str(part(step.old, "metadata").get("namespace")) not in spaces


def _is_object(step: Step) -> bool:
    return not step.type.startswith((COMPONENT, RANDOM, STACK))


def _is_certificate(step: Step) -> bool:
    """True for a certificate that the platform serves, of which `effects` tells."""
    return step.kind == "Secret" and step.old.get("type") == step.new.get("type") == TLS


def _is_harmless(step: Step, path: str) -> bool:
    own = HARMLESS_OF.get(step.kind)
    return bool(
        HARMLESS.fullmatch(path)
        or (own and own.fullmatch(path))
        or (step.type.startswith("aws:") and TAGS.fullmatch(path))
        # Another name that Pulumi has made, of an object that is replaced.
        or is_renamed(at(step.old, path), at(step.new, path))
        or (CODE.fullmatch(path) and _only_amounts(step))
    )


def _only_amounts(step: Step) -> bool:
    """True if options and variables of all containers change only in numbers that have nothing to do with access."""
    before, after = (_options(pod(inputs)) for inputs in (step.old, step.new))
    return before.keys() == after.keys() and all(
        len(before[name]) == len(after[name])
        and all(
            ours == theirs or (AMOUNT.fullmatch(ours) and AMOUNT.fullmatch(theirs) and not WORDS.search(name[-1]))
            for ours, theirs in zip(before[name], after[name], strict=True)
        )
        for name in before
    )


def _options(spec: Json) -> dict[tuple[str, str], list[str]]:
    """The values of variables and options, by their container and name; words without a value have an empty one."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, container in containers(spec).items():
        for one in parts(container, "env"):
            value = str(one["value"]) if "value" in one else str(one.get("valueFrom"))
            if str(one.get("name")).upper() not in PROXIES | {EXCEPTIONS}:
                found.setdefault((name, str(one.get("name"))), []).append(value)
        for key in ("command", "args"):
            for option, value in _words([str(one) for one in container.get(key) or ()]):
                found.setdefault((name, option), []).append(value)
    return found


def _words(line: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options of a command line with their values."""
    option = ""
    for word in line:
        if match := OPTION.fullmatch(word):
            yield match[1], match[2]
            option = ""
        elif word.startswith("-"):
            yield word, ""
            option = word
        elif option and AMOUNT.fullmatch(word):
            yield f"{option} ", word
            option = ""
        else:
            yield word, ""
            option = ""
