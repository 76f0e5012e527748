"""Starts AWS as a child process, and talks to it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from testbed.aws.authority import Authority, names_of_aws
from testbed.aws.identity import REGION
from testbed.aws.log import Entry
from testbed.paths import CHECKOUT

LOOPBACK: Final = "127.0.0.1"


class EquipmentError(Exception):
    """The equipment did not do what was asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An access key, or the credentials of a session."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every AWS client reads."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key, **token}


class Running:
    """An AWS that answers."""

    def __init__(self, process: subprocess.Popen[str], authority: Authority, ports: Sequence[int]) -> None:
        """Wait until it does."""
        self._process = process
        self._lock = threading.Lock()
        self.authority: Final = authority
        self.port, self.tls_port = ports
        self._line()
        self.url: Final = f"http://{LOOPBACK}:{self.port}"
        self.tls_url: Final = f"https://{LOOPBACK}:{self.tls_port}"
        self.authority_pem: Final = authority.pem
        key_id, secret = cast("list[str]", self._do("administrator", name="administrator"))
        self.administrator: Final = Key(access_key_id=key_id, secret_access_key=secret)

    def enforce(self, *, on: bool) -> None:
        """Judge requests, or let everything in."""
        self._do("enforce", on=on)

    def actions(self) -> list[Entry]:
        """Return every action that was asked for since the last `forget_actions`."""
        return [Entry(**entry) for entry in cast("list[dict[str, Any]]", self._do("actions"))]

    def forget_actions(self) -> None:
        """Empty the log of actions."""
        self._do("forget")

    def trust_issuer(self, issuer: str, keys: Mapping[str, Any]) -> None:
        """Take a key set (JWKS) for the issuer's own; without one no token of it counts."""
        self._do("trust", issuer=issuer, keys=keys)

    def pod_identity(self, *, role: str, cluster: str, namespace: str, account: str) -> Key:
        """Return the credentials that EKS Pod Identity would give to a pod."""
        given = {"role": role, "cluster": cluster, "namespace": namespace, "account": account}
        made = cast("dict[str, str]", self._do("pod-identity", **given))
        return Key(
            access_key_id=made["AccessKeyId"], secret_access_key=made["SecretAccessKey"], session_token=made["Token"]
        )

    def _do(self, what: str, **given: object) -> object:
        with self._lock:
            assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
            self._process.stdin.write(json.dumps({"do": what, "with": given}) + "\n")
            self._process.stdin.flush()
            answer = cast("dict[str, object]", self._line())
        if "error" in answer:
            raise EquipmentError(answer["error"])
        return answer["result"]

    def _line(self) -> object:
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        line = self._process.stdout.readline()
        if not line:
            raise EquipmentError(f"the AWS equipment ended with {self._process.wait()}; see its error output")
        return json.loads(line)


@contextmanager
def running(
    *,
    enforce: bool = True,
    host: str | None = None,
    prefix: Sequence[str] = (),
) -> Generator[Running]:
    """Run an AWS with nothing in it but an administrator.

    Args:
        enforce: judge signatures and policies from the start.
        host: an address to listen on as well, at ports 80 and 443, where `prefix` has led.
        prefix: a command that runs it elsewhere, like `nsenter`; this process reaches it all the same.

    """
    authority = Authority()
    pair = authority.issue([*names_of_aws(REGION), "localhost", LOOPBACK])
    # Opened here, so that they lead here from whatever network the process is in.
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(2)]
    with tempfile.TemporaryDirectory() as directory, sockets[0], sockets[1]:
        certificate, key = Path(directory, "tls.crt"), Path(directory, "tls.key")
        certificate.write_text(pair.certificate)
        key.write_text(pair.key)
        descriptors = [one.fileno() for one in sockets]
        command = [*prefix, sys.executable, "-m", "testbed.aws", "--certificate", str(certificate), "--key", str(key)]
        options = ["--sockets", *map(str, descriptors), *(("--host", host) if host else ())]
        with subprocess.Popen(
            [*command, *options],
            cwd=CHECKOUT,
            pass_fds=descriptors,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                aws = Running(process, authority, [one.getsockname()[1] for one in sockets])
                aws.enforce(on=enforce)
                yield aws
            finally:
                # It ends with its standard input; nothing in it is worth waiting for.
                process.kill()
