"""Makes the API server accept tokens of an external OIDC issuer (structured authentication), to try the strict mode.

An operator does the same on a real cluster (docs/strict.md). The first issuer adds a flag to the API server, which
restarts it once; later changes of the configuration file take effect without a restart.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from testbed.node.kubectl import Kubectl
from testbed.node.port_forward import TRAEFIK_ADDRESS
from testbed.node.progress import Say, wait_until
from testbed.node.writing import PRIVATE, write_whole
from testbed.paths import Home

# Path in the API server's pod. The directory is mounted, because a mounted file would keep the content of the old file
# after the file is replaced.
DIRECTORY = "/etc/kubernetes/authentication"
FILE = "issuers.json"
FLAG = f"--authentication-config={DIRECTORY}/{FILE}"
VOLUME = "authentication"
# Before it stops, the API server waits up to a minute for open watches to end.
RESTART_SECONDS = 240
# The API server watches the file, and also polls it every minute.
RELOAD_SECONDS = 90

Manifest = dict[str, Any]


def configuration(issuer: str | None, audiences: Sequence[str], authority: str | None) -> str:
    """Render the AuthenticationConfiguration; without an issuer the API server accepts only its own tokens."""
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
        # Without prefixes, because the RoleBindings name users and groups without them.
        "claimMappings": {"username": {"claim": "email", "prefix": ""}, "groups": {"claim": "groups", "prefix": ""}},
        # Needed without prefixes: an issuer could otherwise assert the group system:masters.
        "userValidationRules": [
            {
                "expression": "!user.username.startsWith('system:')",
                "message": "user names with the prefix system: are reserved",
            },
            {
                "expression": "user.groups.all(name, !name.startsWith('system:'))",
                "message": "groups with the prefix system: are reserved",
            },
        ],
    }


def reading(manifest: Manifest, host: str | None) -> Manifest:
    """Return the manifest with which the API server reads the configuration file and resolves the issuer's `host`."""
    made = cast("Manifest", json.loads(json.dumps(manifest)))
    spec = made["spec"]
    (container,) = spec["containers"]
    if FLAG not in container["command"]:
        container["command"].append(FLAG)
        container["volumeMounts"].append({"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True})
        spec["volumes"].append({"name": VOLUME, "hostPath": {"path": DIRECTORY, "type": "Directory"}})
    if host is not None:
        # The node has no DNS; the issuer is behind the ingress controller.
        spec["hostAliases"] = [{"ip": TRAEFIK_ADDRESS, "hostnames": [host]}]
    return made


def trust(
    home: Home, kubectl: Kubectl, say: Say, *, issuer: str | None, audiences: Sequence[str], authority: str | None
) -> None:
    """Make the API server accept tokens of `issuer` (None: only its own tokens), and wait until this takes effect."""
    text = configuration(issuer, audiences, authority)
    directory = home.node / "kubernetes" / Path(DIRECTORY).name
    directory.mkdir(exist_ok=True)
    write_whole(directory / FILE, text, PRIVATE)
    file = home.node / "kubernetes" / "manifests" / "kube-apiserver.yaml"
    before = cast("Manifest", yaml.safe_load(file.read_text()))
    after = reading(before, None if issuer is None else urlsplit(issuer).hostname)
    log = home.logs / "node" / "kubelet.log"
    if after != before:
        say("restarting the API server with the new configuration")
        # Not in the directory of the manifests, where kubelet starts every file as a pod.
        made = file.parent.parent / f"{file.name}.new"
        write_whole(made, yaml.safe_dump(after), PRIVATE)
        made.replace(file)
        wait_until("API server", lambda: _restarting(kubectl, after), seconds=RESTART_SECONDS, say=say, log=log)
    digest = hashlib.sha256(text.encode()).hexdigest()
    wait_until("token issuers", lambda: _reading_another(kubectl, digest), seconds=RELOAD_SECONDS, say=say, log=log)
    say(f"the API server accepts tokens of {issuer}" if issuer else "the API server accepts only its own tokens")


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
    return "the old API server is still running"


def _reading_another(kubectl: Kubectl, digest: str) -> str | None:
    if (reason := kubectl.ready()) is not None:
        return reason
    metrics = kubectl.run("get", "--raw=/metrics")
    known = any(digest in line for line in metrics.splitlines() if "authentication_config" in line)
    return None if known else "the API server has not reloaded the list of issuers yet"
