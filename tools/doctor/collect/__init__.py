"""Gathers the facts, in parallel and in bounded time, with the rights of the caller."""

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from tools import external_smoke
from tools.doctor.chapters.networks import controller_namespaces, dns_pods
from tools.doctor.collect import caller, requests, server
from tools.doctor.collect.cluster import Cluster, Read, RefusedError, read_all, reads
from tools.doctor.collect.kinds import ROLLOUT, SERVED
from tools.doctor.expected import from_state
from tools.doctor.facts import NOTHING, Facts, Object, Unseen, part
from tools.stack import Platform, parse_outputs

PULUMI_SECONDS = 30
OUTPUTS = ("url", "server", "namespace", "paused", "authority", "audience", "teams")
Say = Callable[[str], None]


class UnreadableError(Exception):
    """The stack or the cluster cannot be read at all; the message says what is needed."""


def exported(stack: str) -> tuple[dict[str, Any], list[Object]]:
    """Outputs and resources of the stack. Encrypted values stay encrypted, and need no passphrase.

    Raises:
        UnreadableError: Pulumi cannot read the state, or the stack was not deployed.
    """
    command = ("pulumi", "stack", "export", *(["--stack", stack] if stack else []))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PULUMI_SECONDS, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise UnreadableError(f"the state of the stack: an answer of pulumi: {error}") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnreadableError(f"the state of the stack: what pulumi asks for: {said}")
    resources: list[Object] = json.loads(done.stdout)["deployment"].get("resources") or []
    outputs = next((part(one, "outputs") for one in resources if one["type"] == "pulumi:pulumi:Stack"), NOTHING)
    if "url" not in outputs:
        raise UnreadableError("the platform: a deployed stack, with the output `url`: run `make up`")
    return {name: outputs[name] for name in OUTPUTS if name in outputs}, resources


def gather(stack: str, *, client: str, arguments: str, say: Say) -> Facts:
    """The facts about a stack.

    Args:
        stack: its name; empty means the selected one.
        client: version of the MLflow client that has to match the server.
        arguments: text after `make TARGET` in the commands of remedies.
        say: called with a description of each step before it begins.

    Raises:
        UnreadableError: the stack or the cluster cannot be read at all.
    """
    say("reading the state of the stack")
    outputs, resources = exported(stack)
    platform = parse_outputs(outputs)
    expected = from_state(resources)
    document: dict[str, Any] = {
        "time": time.time(),
        "outputs": outputs,
        "expected": [asdict(one) for one in expected],
        "live": [],
        "unseen": [],
        "probes": {},
        "client": client,
        "arguments": arguments,
    }
    say("reading the cluster")
    try:
        cluster = Cluster()
        document["probes"]["api"] = cluster.clock()
    except Exception as error:  # a kubeconfig can be wrong in many ways, and credential plugins fail in their own
        raise UnreadableError(f"the cluster: a kubeconfig and an API server that answers: {error}") from error
    if platform.external:
        _add(document, *read_all(cluster, reads(expected)))
        _add(document, *read_all(cluster, _of_teams(platform)))
        _add(document, *read_all(cluster, _refused(Facts(document))))
        say("asking the tracking server from each team's namespace")
        _add(document, [], connections(document, platform))
        return Facts(document)
    with ThreadPoolExecutor(4) as pool:
        outside = pool.submit(caller.probe, platform)
        asked = pool.submit(requests.probe, cluster, platform)
        _add(document, *read_all(cluster, reads(expected, platform.namespace)))
        _add(document, *read_all(cluster, _more(Facts(document))))
        say("looking into the server's pod, and sending requests")
        _inside(document, cluster, platform, pool)
        _outside(document, outside, asked)
    return Facts(document)


def _add(document: dict[str, Any], objects: list[dict[str, Any]], unseen: list[Unseen]) -> None:
    document["live"] += objects
    document["unseen"] += [asdict(one) for one in unseen]


def _more(facts: Facts) -> list[Read]:
    """Reads that depend on the first objects: the ingress controller's namespace, DNS, pods of teams."""
    found: list[Read] = []
    for space, selector in dns_pods(facts):
        found.append(Read(kind="Pod", namespace=space, query=(("labelSelector", selector),), optional=True))
        found.append(Read(kind="NetworkPolicy", namespace=space, optional=True))
    for space in controller_namespaces(facts):
        found += [Read(kind=kind, namespace=space, optional=True) for kind in ("Pod", "NetworkPolicy")]
        found.append(Read(kind="Namespace", name=space, optional=True))
    return found + _of_models(facts) + _of_teams(facts.platform)


def _of_models(facts: Facts) -> list[Read]:
    """Reads of the pods that serve models."""
    spaces = sorted({one.namespace for one in facts.deployed("Deployment") if one.name == ROLLOUT})
    return [Read(kind="Pod", namespace=one, query=(("labelSelector", SERVED),), optional=True) for one in spaces]


def _of_teams(platform: Platform) -> list[Read]:
    """Reads of the events about refused pods of teams."""
    refused = (("fieldSelector", "reason=FailedCreate"), ("limit", "100"))
    return [
        Read(kind="Event", namespace=team.namespace, query=refused, optional=True) for team in platform.teams.values()
    ]


def connections(document: dict[str, Any], platform: Platform) -> list[Unseen]:
    """Add the results of the teams' connectivity checks; returns the checks that could not run."""
    found = external_smoke.checks(platform)
    document["probes"]["connectivity"] = {one.team: one.said for one in found if one.usable is False}
    return [
        Unseen(what=f"the tracking server from the namespace of team {one.team}", needs=one.needs)
        for one in found
        if one.needs
    ]


def _refused(facts: Facts) -> list[Read]:
    """Workloads of teams whose pods were refused some time ago, to see whether they still are."""
    teams = {team.namespace for team in facts.platform.teams.values()}
    found = {
        Read(kind=event["involvedObject"]["kind"], namespace=space, name=event["involvedObject"]["name"], optional=True)
        for space in teams
        for event in facts.every("Event", space)
        if event["involvedObject"]["kind"] in {"ReplicaSet", "StatefulSet", "Job"}
    }
    return sorted(found, key=lambda one: (one.namespace, one.kind, one.name))


def _inside(document: dict[str, Any], cluster: Cluster, platform: Platform, pool: ThreadPoolExecutor) -> None:
    """Add what is seen from inside of the server's pod, and logs of containers that are not ready."""
    facts = Facts(document)
    main = facts.find("Deployment", platform.namespace, "mlflow")
    pod = server.running(facts)
    examined = None if pod is None else pool.submit(server.examine, facts, pod, main)
    lines, unseen = server.logs(cluster, facts.every("Pod", platform.namespace))
    document["probes"]["logs"] = lines
    _add(document, [], unseen)
    _add(document, *read_all(cluster, _refused(facts)))
    if examined is not None:
        document["probes"]["pod"], unseen = examined.result()
        _add(document, [], unseen)
    document["probes"]["accepted"] = [] if main is None else server.accepted(main)


def _outside(
    document: dict[str, Any],
    outside: Future[dict[str, Any]],
    asked: Future[tuple[dict[str, Any], list[Unseen]]],
) -> None:
    """Add what is seen from the caller's machine."""
    document["probes"] |= outside.result()
    found, unseen = asked.result()
    document["probes"] |= found
    _add(document, [], unseen)
    if "health" in document["probes"]:
        document["probes"]["health"] = caller.short(document["probes"]["health"]) | {
            "controllers": controller_namespaces(Facts(document))
        }


__all__ = ["RefusedError", "UnreadableError", "gather"]
