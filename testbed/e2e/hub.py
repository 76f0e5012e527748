"""JupyterHub in the cluster with the values of docs/jupyterhub.md, and requests as its users' browsers send them."""

import contextlib
import json
import re
import secrets
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import websocket
import yaml

from testbed.build.program_images import FOLDER, definition
from testbed.e2e import kube
from testbed.e2e.commands import wait_for
from tests import snippets

WORKLOADS = Path(__file__).with_name("workloads")
NAMESPACE = "jupyterhub"
READY_SECONDS = 120
SPAWN_SECONDS = 120
CELL_SECONDS = 180
REQUEST_SECONDS = 150
ADMINISTRATOR = "rehearsal"

Json = dict[str, Any]


def program_image(name: str) -> str:
    """Reference of the image of a program in `testbed/programs`."""
    return definition(FOLDER / name).references[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of the hub or of a notebook server."""

    status: int
    document: Any
    """The body as JSON; None without one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """A hub that is reached through its proxy."""

    address: str
    token: str = field(repr=False)
    """Token of a service that administers users and their tokens."""

    def ask(self, method: str, path: str, *, token: str = "", document: object = None) -> Answer:
        """Send one request below the hub's address, with the administrator's token or another."""
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"Authorization": f"token {token or self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as got:  # noqa: S310
                return Answer(status=got.status, document=_json(got.read()))
        except urllib.error.HTTPError as error:
            return Answer(status=error.code, document=_json(error.read()))

    def user_token(self, user: str) -> str:
        """A token with which a user's program acts in the user's name."""
        made = self.ask("POST", f"/hub/api/users/{user}/tokens", document={"note": "rehearsal"})
        assert made.status == 201, made
        return made.document["token"]

    def start(self, user: str, *, profile: str) -> Answer:
        """Ask for a notebook server with a profile, as the page with the choice does."""
        return self.ask(
            "POST", f"/hub/api/users/{user}/server", token=self.user_token(user), document={"profile": profile}
        )

    @contextlib.contextmanager
    def notebook(self, user: str, *, profile: str) -> Generator["Notebook"]:
        """A user's notebook server, which is stopped at the end."""
        asked = self.start(user, profile=profile)
        assert asked.status in {201, 202}, asked
        try:
            wait_for(f"{user}'s notebook", lambda: self._ready(user), seconds=SPAWN_SECONDS)
            yield Notebook(hub=self, user=user, token=self.user_token(user))
        finally:
            self.ask("DELETE", f"/hub/api/users/{user}/server")
            wait_for(f"{user}'s notebook is gone", lambda: not self._server(user), seconds=READY_SECONDS)

    def _ready(self, user: str) -> bool:
        server = self._server(user)
        assert server, f"{user}'s notebook did not start"
        return bool(server["ready"])

    def _server(self, user: str) -> Json:
        return self.ask("GET", f"/hub/api/users/{user}").document.get("servers", {}).get("", {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    """A running notebook server."""

    hub: Hub
    user: str
    token: str = field(repr=False)

    @contextlib.contextmanager
    def kernel(self) -> Generator["Kernel"]:
        """A new kernel."""
        base = f"/user/{self.user}/api/kernels"
        made = self.hub.ask("POST", base, token=self.token, document={"name": "python3"})
        assert made.status == 201, made
        path = f"{base}/{made.document['id']}"
        channels = websocket.create_connection(  # pyright: ignore[reportUnknownMemberType] - the package has no types
            f"ws://{self.hub.address}{path}/channels",
            header={"Authorization": f"token {self.token}"},
            timeout=CELL_SECONDS,
        )
        try:
            yield Kernel(channels=channels)
        finally:
            channels.close()
            self.hub.ask("DELETE", path, token=self.token)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """A kernel that runs cells one after the other."""

    channels: Any
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self, cell: str) -> str:
        """Run a cell; returns what it printed.

        Raises:
            AssertionError: the cell raised an exception; the message has the traceback.
        """
        request = uuid.uuid4().hex
        header = {"msg_id": request, "msg_type": "execute_request", "session": self.session, "username": ""}
        content = {"code": cell, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.channels.send(json.dumps(message))
        printed: list[str] = []
        end = time.monotonic() + CELL_SECONDS
        while time.monotonic() < end:
            got: Json = json.loads(self.channels.recv())
            if got["parent_header"].get("msg_id") != request:
                continue
            kind, said = got["header"]["msg_type"], got["content"]
            if kind == "stream" and said["name"] == "stdout":
                printed.append(said["text"])
            assert kind != "error", "\n".join(said["traceback"])
            if kind == "status" and said["execution_state"] == "idle":
                return "".join(printed)
        raise AssertionError(f"a cell ran for more than {CELL_SECONDS} s:\n{cell}")


@contextlib.contextmanager
def running(groups: dict[str, list[str]]) -> Generator[Hub]:
    """JupyterHub as docs/jupyterhub.md sets it up, with these members of groups; removed at the end."""
    token = secrets.token_hex(16)
    try:
        _prepare(_values(groups, token))
        kube.kubectl("apply", "--filename=-", stdin=(WORKLOADS / "hub.yaml").read_text(encoding="utf-8"))
        kube.wait_for_pods(NAMESPACE, seconds=READY_SECONDS)
        with _forwarded() as address:
            hub = Hub(address=address, token=token)
            wait_for("the proxy leads to the hub", lambda: _answers(hub), seconds=READY_SECONDS)
            yield hub
    finally:
        kube.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=READY_SECONDS)
        kube.kubectl("delete", "--ignore-not-found", "--filename=-", stdin=_rights())


def _values(groups: dict[str, list[str]], token: str) -> Json:
    """The values of the page, and those of the rehearsal: image, users, and a service that acts for them."""
    values = snippets.hub_values()
    values["hub"]["config"]["JupyterHub"] |= {
        "authenticator_class": "dummy",
        "load_groups": {group: {"users": users} for group, users in groups.items()},
    }
    values["hub"]["config"]["Authenticator"] = {"allow_all": True}
    values["hub"]["services"] = {ADMINISTRATOR: {"api_token": token}}
    scopes = ["admin:users", "admin:servers", "tokens", "access:servers"]
    values["hub"]["loadRoles"] = {ADMINISTRATOR: {"services": [ADMINISTRATOR], "scopes": scopes}}
    name, _, tag = program_image("notebook").rpartition(":")
    values["singleuser"] |= {"image": {"name": name, "tag": tag}, "storage": {"type": "none"}}
    return values


def _rights() -> str:
    """The objects of the page, for every team of the dev stack."""
    return "\n---\n".join(re.sub(r"\bteam-a\b", team, snippets.hub_rights()) for team in ("team-a", "team-b"))


def _prepare(values: Json) -> None:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    config = {
        "jupyterhub_config.py": (WORKLOADS / "jupyterhub_config.py").read_text(encoding="utf-8"),
        "values.yaml": yaml.safe_dump(values),
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": restricted}},
        _secret("hub-config", config),
        _secret("hub", {"CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16)}),
    ]
    kube.kubectl("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    kube.kubectl("apply", "--filename=-", stdin=_rights())


def _secret(name: str, data: dict[str, str]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": data,
    }


@contextlib.contextmanager
def _forwarded() -> Generator[str]:
    """The proxy's address on this machine, as `kubectl port-forward` makes it."""
    command = ("kubectl", "port-forward", f"--namespace={NAMESPACE}", "pod/proxy", ":8000")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, "kubectl forwards no port"
        yield found[0]
    finally:
        process.kill()
        process.wait()


def _answers(hub: Hub) -> bool:
    with contextlib.suppress(OSError):
        return hub.ask("GET", "/hub/api/users").status == 200
    return False


def _json(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    with contextlib.suppress(ValueError):
        return cast("object", json.loads(body))
    return None
