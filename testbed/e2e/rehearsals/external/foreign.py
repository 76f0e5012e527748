"""A tracking server outside the platform, and a stack `external` beside `dev` whose teams use it."""

import base64
import datetime as dt
import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.exposure.certificate import authority_certificate, self_signed
from testbed.e2e import kube
from testbed.e2e.commands import CHECKOUT, Finished, run

PROJECT = "mlflow-platform"
STACK = "external"
FOREIGN = "foreign"
HOST = f"tracking.{FOREIGN}.svc.cluster.local"
URL = f"https://{HOST}:8443"
SEED = b"an authority of the foreign server's own"
AUTHORITY = authority_certificate(SEED, HOST)
STRANGER = authority_certificate(b"somebody else", HOST)
PASSWORD = "the-admin-of-the-foreign-server"  # noqa: S105 - of the test's own server
IMAGE = "localhost/mlflow-platform/mlflow:3.17.2"
# Addresses of the node's pods: policies apply to a Service's pods, not to its own address.
POD_ADDRESSES = "10.244.0.0/16"
UP_SECONDS = 420
SERVER_SECONDS = 240
RED, BLUE = "ext-red", "ext-blue"
# A stack of the test is as disposable as `dev`.
POLICIES = {"data-is-protected": {"disposableStacks": [STACK]}}

Document = dict[str, Any]


def settings(**changes: object) -> Document:
    """The stack file, with some of its keys replaced; a key of `server` replaces only that."""
    server = {
        "kind": "external",
        "url": URL,
        "addresses": [POD_ADDRESSES],
        "credentials": {"kind": "password", "username": "admin"},
    }
    document: Document = {
        "profile": "evaluation",
        "server": {**server, **{key: changes.pop(key) for key in [*changes] if key in server}},
        "cluster": {"authorities": AUTHORITY},
        "images": {"check": IMAGE},
        "workspaces": {"clientVersion": "3.17.2"},
        "teams": {RED: {}, BLUE: {"podLabel": "uses=mlflow", "credentials": {"kind": "secret", "name": "own"}}},
    }
    return {**document, **changes}


@contextmanager
def tracking_server() -> Generator[None]:
    """Run the server, and remove it at the end."""
    # Left by a run that was killed.
    kube.kubectl("delete", "namespace", FOREIGN, "--ignore-not-found", seconds=120)
    kube.kubectl("create", "namespace", FOREIGN)
    pair = self_signed(SEED, HOST, dt.date(2026, 11, 1))
    put_secret("tracking", FOREIGN, {"tls.crt": pair.certificate, "tls.key": pair.key, "password": PASSWORD})
    kube.kubectl("apply", f"--filename={Path(__file__).with_name('server.yaml')}")
    try:
        kube.kubectl(
            "wait",
            "--for=condition=Ready",
            "pod/tracking",
            f"--namespace={FOREIGN}",
            f"--timeout={SERVER_SECONDS}s",
            seconds=SERVER_SECONDS + 30,
        )
        yield
    finally:
        kube.kubectl("delete", "namespace", FOREIGN, "--ignore-not-found", seconds=120)


def put_secret(name: str, namespace: str, values: Mapping[str, str]) -> None:
    """Make or change a Secret."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}
    kube.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack `external` in the state of the testbed, with a stack file in a folder of the test."""

    folder: Path
    salt: str

    @property
    def file(self) -> Path:
        """The stack file."""
        return self.folder / f"Pulumi.{STACK}.yaml"

    def up(self, document: Document, *, password: str = PASSWORD, expected: int | None = 0) -> Finished:
        """Deploy these settings, with this password of `server.credentials`."""
        config = {f"{PROJECT}:{key}": value for key, value in document.items()}
        self.file.write_text(yaml.safe_dump({"encryptionsalt": self.salt, "config": config}), encoding="utf-8")
        pulumi("config", "set", "--secret", "trackingPassword", password, f"--config-file={self.file}")
        policies = self.folder / "policies.json"
        policies.write_text(json.dumps(POLICIES), encoding="utf-8")
        return pulumi(
            "up",
            "--yes",
            "--skip-preview",
            f"--config-file={self.file}",
            f"--policy-pack={os.environ['POLICY_PACK']}",
            f"--policy-pack-config={policies}",
            seconds=UP_SECONDS,
            expected=expected,
        )

    def refused(self, document: Document, *, password: str = PASSWORD) -> str:
        """Deploy settings that must fail; returns the output."""
        done = self.up(document, password=password, expected=None)
        assert done.code != 0, done.said
        return done.said


@contextmanager
def stack(folder: Path) -> Generator[Stack]:
    """The stack, which is destroyed at the end; then the stack that was selected before is selected again."""
    selected = run("pulumi", "stack", "--show-name", "--non-interactive").stdout.strip()
    try:
        with _made(folder) as made:
            yield made
    finally:
        # `pulumi stack rm` leaves no stack selected, whichever one it has removed.
        run("pulumi", "stack", "select", selected, "--non-interactive")


@contextmanager
def _made(folder: Path) -> Generator[Stack]:
    _remove(folder)
    committed = CHECKOUT / f"Pulumi.{STACK}.yaml"
    assert not committed.exists()
    try:
        pulumi("stack", "init", "--no-select")
        salt = re.search(r"^encryptionsalt: (\S+)$", committed.read_text(encoding="utf-8"), re.MULTILINE)
        assert salt is not None
    finally:
        committed.unlink(missing_ok=True)
    try:
        yield Stack(folder, salt[1])
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    if pulumi("stack", "export", expected=None).code:
        return
    file = folder / f"Pulumi.{STACK}.yaml"
    options = [f"--config-file={file}"] if file.exists() else []
    pulumi("destroy", "--yes", "--skip-preview", *options, seconds=UP_SECONDS)
    pulumi("stack", "rm", "--yes", "--preserve-config")
    for team in (RED, BLUE):
        with suppress(AssertionError):
            kube.kubectl("delete", "namespace", team, "--ignore-not-found", seconds=60)


def pulumi(*arguments: str, seconds: float = 60, expected: int | None = 0) -> Finished:
    """Run the engine on the stack."""
    return run("pulumi", *arguments, f"--stack={STACK}", "--non-interactive", seconds=seconds, expected=expected)
