"""Pods that do not run, and why: scaled to 0, quota, image, scheduling, configuration, memory, crash, not ready."""

from collections.abc import Iterator

from tools.doctor.chapters import pods
from tools.doctor.chapters.networks import controller_namespaces
from tools.doctor.facts import Facts, Object, described, name_of, namespace_of, part, parts
from tools.doctor.fault import Fault

KINDS = ("StatefulSet", "Deployment")
DATABASE, STORE, SERVER = "postgres", "object-store", "mlflow"


def database(facts: Facts) -> Fault | None:
    """PostgreSQL in the cluster."""
    return _of(facts, DATABASE)


def store(facts: Facts) -> Fault | None:
    """The S3 store in the cluster."""
    return _of(facts, STORE)


def server(facts: Facts) -> Fault | None:
    """MLflow's server with the login beside it."""
    return _of(facts, SERVER)


def others(facts: Facts) -> Fault | None:
    """Every other workload of the platform: the development identity provider, a separate login, a proxy."""
    for one in facts.deployed(*KINDS):
        if one.name not in {DATABASE, STORE, SERVER} and (fault := _of(facts, one.name)):
            return fault
    return None


def _of(facts: Facts, name: str) -> Fault | None:
    for one in facts.deployed(*KINDS):
        if one.name != name or one.namespace != facts.platform.namespace:
            continue
        live = facts.find(one.kind, one.namespace, one.name)
        if live is None:
            if not facts.readable(one.kind, one.namespace):
                return None
            return Fault(
                cause="missing", subject=str(one), what="it does not exist, so it has no pods", mend=facts.redeploy
            )
        wanted = one.fields.get("spec.replicas", 1)
        if live["spec"].get("replicas", 1) == 0 and wanted != 0:
            return Fault(
                cause="scaled-to-zero",
                subject=str(one),
                what=f"it is scaled to 0 replicas instead of the deployed {wanted}, so it has no pods",
                mend=f"kubectl scale {one.kind.lower()}/{one.name} --replicas={wanted} --namespace={one.namespace}",
            )
        return _workload(facts, live)
    return None


def _workload(facts: Facts, live: Object) -> Fault | None:
    """The fault of a workload's pods."""
    space = namespace_of(live)
    selector = live["spec"]["selector"]["matchLabels"]
    found = [
        pod
        for pod in facts.every("Pod", space)
        if selector.items() <= part(pod, "metadata", "labels").items()
        and pod["status"].get("phase") not in {"Succeeded", "Failed"}
        and "deletionTimestamp" not in pod["metadata"]
    ]
    for pod in sorted(found, key=lambda one: one["metadata"].get("creationTimestamp") or "", reverse=True):
        if fault := pods.fault(facts, pod):
            return fault
    lacking = len(found) < live["spec"].get("replicas", 1) and facts.readable("Pod", space)
    # During a rollout the pods of before are as many as wanted, and none is created from the new template.
    return not_created(facts, live) if lacking or any(_refused(live)) else None


def not_created(facts: Facts, live: Object) -> Fault:
    """The fault of a workload that lacks pods: what Kubernetes says about their creation."""
    said = next(_refusals(facts, live), "")
    subject = described(live["kind"], namespace_of(live), name_of(live))
    if "exceeded quota" in said or "failed quota" in said:
        return Fault(
            cause="quota",
            subject=subject,
            what=f"a ResourceQuota of namespace {namespace_of(live)} forbids its pods",
            evidence=said,
            mend=f"kubectl describe resourcequota --namespace={namespace_of(live)}  # raise it, or delete what uses it",
        )
    return Fault(
        cause="no-pods",
        subject=subject,
        what="Kubernetes has not created its pods",
        evidence=said,
        mend=f"kubectl describe {live['kind'].lower()} {name_of(live)} --namespace={namespace_of(live)}",
    )


def _refusals(facts: Facts, live: Object) -> Iterator[str]:
    """Messages about pods of a workload that were not created, from its conditions and from events."""
    yield from _refused(live)
    for event in facts.every("Event", namespace_of(live)):
        meant = event["involvedObject"]
        # The event of a Deployment's pods is about its ReplicaSet, whose name begins with the Deployment's.
        own = meant["name"] == name_of(live) or (
            meant["kind"] == "ReplicaSet" and meant["name"].rpartition("-")[0] == name_of(live)
        )
        if event["reason"] == "FailedCreate" and own:
            yield event.get("message", "")


def _refused(live: Object) -> Iterator[str]:
    """Messages about pods of a workload that Kubernetes cannot create at present, from its conditions."""
    for condition in parts(live, "status", "conditions"):
        if condition["type"] in {"ReplicaFailure", "FailedCreate"} and condition["status"] == "True":
            yield condition.get("message", "") or "no reason given"


def jobs(facts: Facts) -> Fault | None:
    """Jobs that have failed: the schema migration, the creation of role, database or bucket."""
    for one in facts.deployed("Job"):
        live = facts.find("Job", one.namespace, one.name)
        conditions = parts(live, "status", "conditions")
        failed = next((one for one in conditions if one["type"] == "Failed" and one["status"] == "True"), None)
        if failed is not None:
            return Fault(
                cause="failed",
                subject=str(one),
                what="the Job has failed, and what comes after it was not deployed; docs/upgrade.md lists its messages",
                evidence=_last_words(facts, one.namespace, one.name) or failed.get("message", ""),
                mend=facts.make("up"),
            )
    return None


def _last_words(facts: Facts, namespace: str, job: str) -> str:
    for pod in facts.every("Pod", namespace):
        if part(pod, "metadata", "labels").get("job-name") == job:
            for status in parts(pod, "status", "containerStatuses"):
                if message := part(status, "state", "terminated").get("message"):
                    return str(message)
    return ""


def controller(facts: Facts) -> Fault | None:
    """Pods of the ingress controller."""
    for space in controller_namespaces(facts):
        found = [pod for pod in facts.every("Pod", space) if pod["status"].get("phase") not in {"Succeeded", "Failed"}]
        if not found and facts.readable("Pod", space):
            return Fault(
                cause="missing",
                subject=f"pods of namespace {space}",
                what="no pod of the ingress controller runs: requests from outside the cluster reach nothing",
                mend=f"kubectl get deployments,daemonsets --namespace={space}  # scale it up, or install it",
            )
        # A cluster may have several; one that is ready serves.
        if found and not any(map(pods.is_ready, found)):
            return next((fault for pod in found if (fault := pods.fault(facts, pod))), None)
    return None


def quotas(facts: Facts) -> Fault | None:
    """Workloads of teams whose pods a quota forbids."""
    teams = {team.namespace: name for name, team in facts.platform.teams.items()}
    for kind in ("ReplicaSet", "StatefulSet", "Job"):
        for live in facts.every(kind):
            if namespace_of(live) in teams and (said := _lacks_pods(facts, live)):
                team = teams[namespace_of(live)]
                return Fault(
                    cause="quota",
                    subject=described(kind, namespace_of(live), name_of(live)),
                    what=f"the quota of team {team} forbids its pods",
                    evidence=said,
                    mend=f"kubectl describe resourcequota --namespace={namespace_of(live)}  "
                    f"# delete unneeded pods, or raise teams.{team}.quota and run {facts.make('up')}",
                )
    return None


def _lacks_pods(facts: Facts, live: Object) -> str:
    """The refusal of a workload's pods by a quota; empty if it has its pods."""
    status = part(live, "status")
    if live["kind"] == "Job":
        lacking = not any(status.get(key) for key in ("active", "succeeded", "failed", "completionTime"))
    else:
        lacking = status.get("replicas", 0) < live["spec"].get("replicas", 1)
    return next((said for said in _refusals(facts, live) if lacking and "quota" in said), "")
