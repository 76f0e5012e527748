"""Starts the AWS stand-in as a child process, and controls it."""

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

import trustme

from testbed.aws.log import Entry
from testbed.aws.principals import REGION
from testbed.paths import CHECKOUT

LOOPBACK: Final = "127.0.0.1"
# Host names of the services in the region.
NAMES: Final = (
    "*.amazonaws.com",
    f"*.{REGION}.amazonaws.com",
    "*.s3.amazonaws.com",
    f"*.s3.{REGION}.amazonaws.com",
    "localhost",
    LOOPBACK,
)


class StandInError(Exception):
    """The AWS stand-in could not carry out a command, or has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


class Authority:
    """A certificate authority (CA) that replaces the public CAs and the CA of RDS. Only tests trust it."""

    def __init__(self) -> None:
        """Create the CA's key and certificate."""
        self._authority = trustme.CA(organization_name="AWS stand-in")
        self.pem: Final = self._authority.cert_pem.bytes().decode()

    def issue(self, names: Sequence[str]) -> Pair:
        """Issue a certificate for host names and addresses."""
        issued = self._authority.issue_cert(*names)
        (certificate,) = issued.cert_chain_pems
        return Pair(certificate=certificate.bytes().decode(), key=issued.private_key_pem.bytes().decode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An access key, or the credentials of a session."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables for AWS clients."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key, **token}


class Running:
    """A running AWS stand-in: its addresses, credentials and commands."""

    def __init__(self, process: subprocess.Popen[str], authority: Authority, ports: Sequence[int]) -> None:
        """Wait until the process is ready, and create an administrator."""
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
        """Switch the checks of signatures and policies on or off."""
        self._do("enforce", on=on)

    def actions(self) -> list[Entry]:
        """Return the log of actions since the last `forget_actions`."""
        return [Entry(**entry) for entry in cast("list[dict[str, Any]]", self._do("actions"))]

    def forget_actions(self) -> None:
        """Empty the log of actions."""
        self._do("forget")

    def trust_issuer(self, issuer: str, keys: Mapping[str, Any]) -> None:
        """Accept the tokens of an OIDC issuer, verified with the key set (JWKS) in `keys`."""
        self._do("trust", issuer=issuer, keys=keys)

    def pod_identity(self, *, role: str, cluster: str, namespace: str, account: str) -> Key:
        """Return the credentials that a pod would get from EKS Pod Identity."""
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
            raise StandInError(answer["error"])
        return answer["result"]

    def _line(self) -> object:
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise StandInError(f"the AWS stand-in ended with exit code {code}; the reason is in its standard error")
        return json.loads(line)


@contextmanager
def running(
    *,
    enforce: bool = True,
    host: str | None = None,
    prefix: Sequence[str] = (),
) -> Generator[Running]:
    """Run an AWS stand-in that contains nothing but an administrator.

    Args:
        enforce: check signatures and policies from the start.
        host: further address to listen on, at ports 80 and 443, in the network that `prefix` enters.
        prefix: command that starts the process in another network namespace, such as `nsenter`.

    """
    authority = Authority()
    pair = authority.issue(NAMES)
    # Opened here, so that this process can connect to the child even if the child is in another network namespace.
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
                # Its state is in memory only, so there is nothing to wait for.
                process.kill()
