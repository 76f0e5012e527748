"""Search for leaks: all secrets that a deployment generated, in all places where they must not be."""

import base64
import json
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from testbed.e2e import kube
from testbed.e2e.commands import run
from testbed.e2e.inventory import NOISE
from testbed.paths import home

# How Pulumi marks a value as secret (pulumi/sdk/go/common/resource/properties.go).
SIGNATURE = "4dabf18193072939515e22adb298388d"
# Public values: certificates and key ids.
PUBLIC = {"tls.crt", "ca.crt", "grpc.crt", "grpc-ca.crt", "security.toml", "access-key-id"}
# Shorter texts are words and numbers that occur everywhere.
SHORTEST = 12
# A line of a PEM file in full.
PEM_LINE = 64


def generated() -> dict[str, str]:
    """Secret values and where each was found."""
    found = {home().passphrase.read_text(encoding="utf-8").strip(): "Pulumi's passphrase"}
    for space in kube.our_namespaces():
        for secret in kube.objects("secrets", f"--namespace={space['metadata']['name']}"):
            for key, encoded in secret.get("data", {}).items():
                if key not in PUBLIC:
                    text = base64.b64decode(encoded).decode()
                    found |= dict.fromkeys(_parts(text), f"Secret {secret['metadata']['name']}, {key}")
    exported = json.loads(run("pulumi", "stack", "export", "--show-secrets").stdout)["deployment"]
    for resource in exported["resources"]:
        if resource["type"].startswith("random:"):
            found |= dict.fromkeys(_marked(resource["outputs"]), f"state, {resource['urn'].rpartition('::')[2]}")
    return {value: source for value, source in found.items() if len(value) >= SHORTEST}


def _parts(text: str) -> Iterator[str]:
    """The secret parts of a Secret's value: all of it, lines of a private key, or leaves of a configuration."""
    if "PRIVATE KEY" in text:
        yield from (line for line in text.splitlines() if len(line) >= PEM_LINE and "-" not in line)
    elif text.startswith("{"):
        yield from _leaves(json.loads(text))
    else:
        yield text


def _leaves(value: Any, key: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from _leaves(item, name)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _leaves(item, key)
    elif isinstance(value, str) and key in {"secret", "hash", "secretKey"}:
        yield value


def _marked(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Plain text of the values that the state has encrypted."""
    if isinstance(value, dict):
        node = cast("dict[str, Any]", value)
        if SIGNATURE in node and "plaintext" in node:
            yield str(json.loads(node["plaintext"]))
        else:
            for item in node.values():
                yield from _marked(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _marked(item)


def places(outputs: Iterable[Path], processes: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of every place to look at.

    Args:
        outputs: files with the output of deployments.
        processes: command lines and environments of their processes.
    """
    for root in (home().pulumi_state, home().pulumi_home, home().logs):
        for file in root.rglob("*"):
            if file.is_file():
                yield str(file), file.read_bytes()
    for file in outputs:
        yield f"output of `make up`, {file.name}", file.read_bytes()
    yield "command lines and environments of `make up`", b"\n".join(processes)
    yield "command lines of all processes", b"\n".join(_command_lines())
    kinds = set(kube.kubectl("api-resources", "--verbs=list", "--output=name").stdout.split()) - NOISE - {"secrets"}
    kinds.add("events")
    command = ("get", ",".join(sorted(kinds)), "--all-namespaces", "--output=json", "--show-managed-fields")
    yield "all objects but Secrets, and all events", kube.kubectl(*command, seconds=120).stdout.encode()
    for space in kube.our_namespaces():
        name = space["metadata"]["name"]
        for pod in kube.objects("pods", f"--namespace={name}"):
            log = kube.kubectl(
                "logs", pod["metadata"]["name"], f"--namespace={name}", "--all-containers", expected=None
            )
            yield f"log of {name}/{pod['metadata']['name']}", log.said.encode()


def _command_lines() -> Iterator[bytes]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield (process / "cmdline").read_bytes()
            except OSError:
                # It has ended meanwhile.
                continue


def forms(value: str) -> set[bytes]:
    """Encodings of a text."""
    plain = value.encode()
    return {
        plain,
        base64.b64encode(plain),
        base64.urlsafe_b64encode(plain),
        plain.hex().encode(),
        urllib.parse.quote(value, safe="").encode(),
        json.dumps(value)[1:-1].encode(),
    }


def search(values: dict[str, str], where: Iterable[tuple[str, bytes]]) -> list[str]:
    """Leaks found, as origin of the secret and place. The secret itself is not shown."""
    wanted = [(form, source) for value, source in values.items() for form in forms(value)]
    return sorted(
        {f"{source}: found in {name}" for name, content in where for form, source in wanted if form in content}
    )
