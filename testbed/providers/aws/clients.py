"""Clients of the AWS test server. This is the only place that decides where requests go."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from testbed.providers.protocol import ProviderError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

NODE: Final = ipaddress.ip_network("10.89.0.0/24")
"""Network of the embedded node."""

ENDPOINT: Final = "AWS_ENDPOINT_URL"


def endpoint(environment: Mapping[str, str]) -> str:
    """Return the test server's URL; refuse any URL that could be AWS itself."""
    url = environment.get(ENDPOINT, "")
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not (address.is_loopback or address in NODE):
        message = (
            f"{ENDPOINT} is {url or 'not set'!r}, but the AWS provider stand-in only connects to a test server: set "
            f"{ENDPOINT} to a URL with an address of this machine or of the embedded node ({NODE}). To deploy to AWS, "
            "use the published provider"
        )
        raise ProviderError(message)
    return url


class Clients:
    """AWS clients for one region, which are kept because creating one takes half a second."""

    def __init__(self, region: str, url: str) -> None:
        """Store the region and the URL; each client is created at its first use."""
        self.region: Final = region
        self._url = url
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    def _client(self, service: str) -> object:
        # Clients are thread-safe; creating them is not.
        with self._lock:
            if service not in self._made:
                make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType] - one overload for each service
                self._made[service] = make(service, region_name=self.region, endpoint_url=self._url)
            return self._made[service]

    @property
    def s3(self) -> S3Client:
        """Return the client of S3."""
        return cast("S3Client", self._client("s3"))

    @property
    def iam(self) -> IAMClient:
        """Return the client of IAM."""
        return cast("IAMClient", self._client("iam"))

    @property
    def kms(self) -> KMSClient:
        """Return the client of KMS."""
        return cast("KMSClient", self._client("kms"))

    @property
    def rds(self) -> RDSClient:
        """Return the client of RDS."""
        return cast("RDSClient", self._client("rds"))

    @property
    def ec2(self) -> EC2Client:
        """Return the client of EC2."""
        return cast("EC2Client", self._client("ec2"))

    @property
    def sts(self) -> STSClient:
        """Return the client of STS."""
        return cast("STSClient", self._client("sts"))


def from_environment(region: str) -> Clients:
    """Return clients of the test server whose URL is in the environment variable `AWS_ENDPOINT_URL`."""
    return Clients(region, endpoint(os.environ))


def code_of(error: ClientError | BotoCoreError) -> str:
    """Return AWS's error code; empty if the request got no answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def failure(doing: str, label: str, name: str, error: ClientError | BotoCoreError) -> ProviderError:
    """Return the error for a failed call, worded like that of the real provider."""
    if isinstance(error, BotoCoreError):
        return ProviderError(f"{doing} {label} ({name}): {error}")
    found = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return ProviderError(
        f"{doing} {label} ({name}): operation error {error.operation_name}, https response error StatusCode: {status}, "
        f"api error {found.get('Code')}: {found.get('Message')}"
    )
