"""Models that teams serve: deleted servers, rollout pods that do not run, versions that do not become ready."""

from tools.doctor.chapters import pods
from tools.doctor.collect.kinds import ROLLOUT, ROLLOUT_SAYS, SERVED
from tools.doctor.facts import Expected, Facts, Object, part
from tools.doctor.fault import Fault

# What it says about a version that does not become ready (components/scripts/follow_aliases.py).
STUCK = "has not become ready in time"
# Causes of pods that fail before they load a version, so that their logs say nothing about it.
BEFORE_THE_VERSION = frozenset({"unschedulable", "image", "configuration"})


def served(facts: Facts) -> Fault | None:
    """Deployments in the teams' namespaces: first the rollouts, then the model servers that wait for them."""
    teams = {team.namespace for team in facts.platform.teams.values()}
    found = [one for one in facts.deployed("Deployment") if one.namespace in teams]
    ordered = sorted(found, key=lambda one: one.name != ROLLOUT)
    return next((fault for one in ordered if (fault := _fault(facts, one))), None)


def _fault(facts: Facts, one: Expected) -> Fault | None:
    live = facts.find(one.kind, one.namespace, one.name)
    if live is None:
        if not facts.readable(one.kind, one.namespace):
            return None
        what = "it does not exist, and the served models that need it do not work"
        return Fault(cause="missing", subject=str(one), what=what, mend=facts.redeploy)
    said = str(part(live, "metadata", "annotations").get(ROLLOUT_SAYS) or "")
    if STUCK in said:
        return _stuck(facts, one, live, said)
    # A server whose alias has no version has pods that wait, and is not ready.
    if said or one.fields.get("spec.replicas", 1) == 0 or part(live, "status").get("readyReplicas"):
        return None
    return Fault(
        cause="not-ready",
        subject=str(one),
        what="none of its pods is ready, and the served models that need it do not work",
        mend=f"kubectl describe deployment {one.name} --namespace={one.namespace}  # then its pods",
    )


def _stuck(facts: Facts, one: Expected, live: Object, said: str) -> Fault:
    served_as = part(live, "metadata", "labels").get(SERVED, one.name)
    for pod in facts.every("Pod", one.namespace):
        if part(pod, "metadata", "labels").get(SERVED) == served_as:
            found = pods.fault(facts, pod)
            if found is not None and found.cause in BEFORE_THE_VERSION:
                return found
    label = f"{SERVED}={served_as}"
    return Fault(
        cause="model-version",
        subject=str(one),
        what="the version behind the alias does not become ready; the previous version, if there is one, still answers",
        evidence=said,
        mend=f"kubectl logs --namespace={one.namespace} --selector={label} --prefix --tail=20"
        "  # then point the alias to a version that works",
    )
