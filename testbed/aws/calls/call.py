"""A call of an AWS API: one HTTP request as it was received."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CREDENTIAL: Final = re.compile(
    r"Credential=(?P<key>[^/]+)/(?P<day>\d+)/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
DEFAULT_REGION: Final = "us-east-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """Access key id, region and service, from the credential scope of a request's signature."""

    key: str
    region: str
    service: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of an AWS API: one HTTP request. Header names are in lower case."""

    method: str
    target: str
    """Path and query of the URL, as received."""

    headers: Mapping[str, str]
    body: bytes = b""
    secure: bool = False
    address: str = "127.0.0.1"

    @cached_property
    def path(self) -> str:
        """The path of the URL, percent-decoded."""
        return unquote(urlsplit(self.target).path)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query parameters, percent-decoded."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        """The form fields in the body; empty if the body is not a form."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {}
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @cached_property
    def host(self) -> str:
        """The host name in the Host header, without the port."""
        return self.headers.get("host", "").rsplit(":", 1)[0]

    @cached_property
    def credential(self) -> Credential | None:
        """The credential that signed the request; None for an anonymous request."""
        written = self.headers.get("authorization", "")
        if not written and "X-Amz-Credential" in self.query:
            written = f"Credential={self.query['X-Amz-Credential']}"
        found = _CREDENTIAL.search(written)
        return None if found is None else Credential(key=found["key"], region=found["region"], service=found["service"])

    @property
    def region(self) -> str:
        """The region that the request is addressed to; the default region for an anonymous request."""
        return self.credential.region if self.credential else DEFAULT_REGION

    @property
    def service(self) -> str:
        """The AWS service that the request is addressed to, determined by the same rule as in moto."""
        if self.credential:
            return self.credential.service
        return "sts" if self.form.get("Action", "").startswith("AssumeRoleWith") else "s3"


def received(environ: WSGIEnvironment, *, secure: bool) -> Call:
    """Read a request, and reset its body so that moto can read it again."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])) if environ.get("CONTENT_LENGTH") else b""
    if not body and environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") or (key == "CONTENT_TYPE" and value)
    }
    return Call(
        method=environ["REQUEST_METHOD"],
        target=environ["REQUEST_URI"],
        headers=headers,
        body=body,
        secure=secure,
        address=environ["REMOTE_ADDR"],
    )


def rewritten(environ: WSGIEnvironment, body: bytes) -> WSGIEnvironment:
    """Return the request with another body, and without the checksums of the original body."""
    sums = ("HTTP_CONTENT_MD5", "HTTP_X_AMZ_CHECKSUM", "HTTP_X_AMZ_SDK_CHECKSUM")
    kept = {name: value for name, value in environ.items() if not name.startswith(sums)}
    return {**kept, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
