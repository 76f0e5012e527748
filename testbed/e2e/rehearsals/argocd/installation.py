"""Argo CD in the embedded cluster, the "core" installation of its release without ApplicationSets; and a git server."""

import json
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from testbed.e2e.kube import Object

NAMESPACE = "argocd"
GIT_SERVER = Path(__file__).with_name("git-server.yaml")
START_SECONDS = 180
KINDS_SECONDS = 60
REMOVE_SECONDS = 120
LEFT_OUT = "argocd-applicationset-controller"
# The release's Redis speaks the same protocol.
REDIS = "docker.io/valkey/valkey:8.1"
# Argo CD looks for commits each 10 seconds instead of each two or three minutes, and pauses after no wave: nothing but
# the state of its objects holds the next one back.
SETTINGS = {
    "argocd-cm": {"timeout.reconciliation": "10s", "timeout.reconciliation.jitter": "0s"},
    "argocd-cmd-params-cm": {"controller.sync.wave.delay.seconds": "0"},
}
RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
# The API server of a complete installation creates it.
DEFAULT_PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}
WORKLOADS = ("deployment/argocd-redis", "deployment/argocd-repo-server", "statefulset/argocd-application-controller")
CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")
KINDS = ("applications", "applicationsets", "appprojects")


@contextmanager
def running() -> Generator[None]:
    """Run Argo CD, and a git server with an empty repository."""
    remove()
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    _apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": label}}])
    kube.kubectl("apply", f"--filename={GIT_SERVER}")
    try:
        kube.wait_for_pods(NAMESPACE, seconds=START_SECONDS)
        password = {"auth": secrets.token_urlsafe()}
        metadata = {"name": "argocd-redis", "namespace": NAMESPACE}
        _apply([{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": password}])
        objects = adapted(release())
        _apply([one for one in objects if one["kind"] == "CustomResourceDefinition"])
        wait_for("the API server knows Argo CD's kinds", _are_known, seconds=KINDS_SECONDS)
        _apply([*(one for one in objects if one["kind"] != "CustomResourceDefinition"), DEFAULT_PROJECT])
        for workload in WORKLOADS:
            options = (f"--namespace={NAMESPACE}", f"--timeout={START_SECONDS}s")
            kube.kubectl("rollout", "status", workload, *options, seconds=START_SECONDS + 10)
        yield
    finally:
        remove()


def _are_known() -> bool:
    known = kube.kubectl("api-resources", "--api-group=argoproj.io", "--output=name").stdout.split()
    return {f"{kind}.argoproj.io" for kind in KINDS} <= set(known)


def remove() -> None:
    """Remove Argo CD, even after a killed run. Applications have no finalizer, so their objects stay."""
    kube.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=REMOVE_SECONDS)
    kinds = [f"{kind}.argoproj.io" for kind in KINDS]
    kube.kubectl("delete", "customresourcedefinition", *kinds, "--ignore-not-found", seconds=REMOVE_SECONDS)
    kube.kubectl("delete", ",".join(CLUSTER_WIDE), "--selector=app.kubernetes.io/part-of=argocd", "--ignore-not-found")


def release() -> list[Object]:
    """The objects of the release's own installation, which the image contains."""
    file = "/manifests/core-install.yaml"
    shown = kube.kubectl("exec", "git-server", f"--namespace={NAMESPACE}", "--container=git-server", "--", "cat", file)
    return list(yaml.load_all(shown.stdout, Loader=yaml.CSafeLoader))


def adapted(objects: Iterable[Object]) -> list[Object]:
    """The objects, adapted to this cluster: with the images that it has, and without ApplicationSets."""
    return [_adapted(one) for one in objects if not one["metadata"]["name"].startswith(LEFT_OUT)]


def _adapted(one: Object) -> Object:
    if settings := SETTINGS.get(one["metadata"]["name"]):
        return {**one, "data": {**one.get("data", {}), **settings}}
    if one["kind"] not in ("Deployment", "StatefulSet"):
        return one
    pod = one["spec"]["template"]["spec"]
    # They run Argo CD's command line, which the image does not have: for the password of Redis, and for plug-ins.
    pod = {key: value for key, value in pod.items() if key != "initContainers"}
    pod["containers"] = [_container(container) for container in pod["containers"]]
    template = {**one["spec"]["template"], "spec": pod}
    return {**one, "spec": {**one["spec"], "template": template}}


def _container(container: Object) -> Object:
    adapted = {**container, "imagePullPolicy": "IfNotPresent", "resources": RESOURCES}
    if container["name"] == "redis":
        adapted |= {"image": REDIS, "command": ["valkey-server"]}
    if container["name"] == "argocd-repo-server":
        # Signatures of commits are not checked, and the image has no GnuPG.
        adapted["env"] = [*container["env"], {"name": "ARGOCD_GPG_ENABLED", "value": "false"}]
    return adapted


def _apply(documents: Iterable[Any]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
    options = ("--server-side", "--force-conflicts", f"--namespace={NAMESPACE}", "--filename=-")
    kube.kubectl("apply", *options, stdin=json.dumps(listed), seconds=120)
