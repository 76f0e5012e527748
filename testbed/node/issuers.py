"""Whose tokens the API server takes besides its own: structured authentication, for trying the platform's strict mode.

Test equipment, and a model of what an operator does on a cluster of their own (docs/strict.md). A cluster begins
without: the flag comes with the first issuer and costs one restart of the API server; later changes are seen live.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from testbed.node.kubectl import Kubectl
from testbed.node.progress import Say, wait_until
from testbed.node.writing import PRIVATE, write_whole
from testbed.paths import Home

# As the API server sees it; a directory, because a mounted file would not change with the one it was made of.
DIRECTORY = "/etc/kubernetes/authentication"
FILE = "issuers.json"
FLAG = f"--authentication-config={DIRECTORY}/{FILE}"
VOLUME = "authentication"
# The ingress controller's Service in addons/traefik.yaml: the node itself has no DNS.
INGRESS_ADDRESS = "10.96.0.80"
# An API server that is told to end finishes its watches first, for up to a minute.
RESTART_SECONDS = 240
# It looks at the file every minute, besides being told.
RELOAD_SECONDS = 90

Manifest = dict[str, Any]


def configuration(issuer: str | None, audiences: Sequence[str], authority: str | None) -> str:
    """Render the API server's file; without an issuer it takes nobody's tokens but its own."""
    trusted = [] if issuer is None else [_issuer(issuer, audiences, authority)]
    document = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": trusted}
    return json.dumps(document, indent=2) + "\n"


def _issuer(url: str, audiences: Sequence[str], authority: str | None) -> dict[str, object]:
    return {
        "issuer": {
            "url": url,
            "audiences": list(audiences),
            "audienceMatchPolicy": "MatchAny",
            **({} if authority is None else {"certificateAuthority": authority}),
        },
        # Names as the RoleBindings have them.
        "claimMappings": {"username": {"claim": "email", "prefix": ""}, "groups": {"claim": "groups", "prefix": ""}},
        # Without a prefix an issuer could otherwise make a cluster's administrator of anybody.
        "userValidationRules": [
            {"expression": "!user.username.startsWith('system:')", "message": "a name of Kubernetes' own"},
            {
                "expression": "user.groups.all(name, !name.startsWith('system:'))",
                "message": "a group of Kubernetes' own",
            },
        ],
    }


def reading(manifest: Manifest, host: str | None) -> Manifest:
    """The API server's pod with the flag, the file's directory, and the issuer's host name."""
    made = cast("Manifest", json.loads(json.dumps(manifest)))
    spec = made["spec"]
    (container,) = spec["containers"]
    if FLAG not in container["command"]:
        container["command"].append(FLAG)
        container["volumeMounts"].append({"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True})
        spec["volumes"].append({"name": VOLUME, "hostPath": {"path": DIRECTORY, "type": "Directory"}})
    if host is not None:
        spec["hostAliases"] = [{"ip": INGRESS_ADDRESS, "hostnames": [host]}]
    return made


def trust(
    home: Home, kubectl: Kubectl, say: Say, *, issuer: str | None, audiences: Sequence[str], authority: str | None
) -> None:
    """Take the tokens of one issuer, or of none, and wait until that is so."""
    text = configuration(issuer, audiences, authority)
    directory = home.node / "kubernetes" / Path(DIRECTORY).name
    directory.mkdir(exist_ok=True)
    write_whole(directory / FILE, text, PRIVATE)
    file = home.node / "kubernetes" / "manifests" / "kube-apiserver.yaml"
    before = cast("Manifest", yaml.safe_load(file.read_text()))
    after = reading(before, None if issuer is None else urlsplit(issuer).hostname)
    log = home.logs / "node" / "kubelet.log"
    if after != before:
        say("the API server starts again, for it has not read the file before")
        # Kubelet takes every file in that directory for a pod.
        made = file.parent.parent / f"{file.name}.new"
        write_whole(made, yaml.safe_dump(after), PRIVATE)
        made.replace(file)
        wait_until("API server", lambda: _restarting(kubectl, after), seconds=RESTART_SECONDS, say=say, log=log)
    digest = hashlib.sha256(text.encode()).hexdigest()
    wait_until("its issuers", lambda: _reading_another(kubectl, digest), seconds=RELOAD_SECONDS, say=say, log=log)
    say(f"the API server takes tokens of {issuer or 'its own only'}")


def _restarting(kubectl: Kubectl, wanted: Manifest) -> str | None:
    if (reason := kubectl.ready()) is not None:
        return reason
    pods = json.loads(kubectl.run("get", "pods", "-n=kube-system", "-l=component=kube-apiserver", "-o=json"))["items"]
    (container,) = wanted["spec"]["containers"]
    for pod in pods:
        same = pod["spec"]["containers"][0]["command"] == container["command"]
        aliases = pod["spec"].get("hostAliases") == wanted["spec"].get("hostAliases")
        if same and aliases and all(one["ready"] for one in pod["status"].get("containerStatuses", [])):
            return None
    return "still runs as before"


def _reading_another(kubectl: Kubectl, digest: str) -> str | None:
    if (reason := kubectl.ready()) is not None:
        return reason
    metrics = kubectl.run("get", "--raw=/metrics")
    known = any(digest in line for line in metrics.splitlines() if "authentication_config" in line)
    return None if known else "still reads the file as it was before"
