"""Rules of the section `artifacts`: region, CA certificate and credentials of an existing bucket."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from settings.faults import Fault
from settings.partial import key
from settings.schema.artifacts import S3Artifacts
from settings.schema.credentials import WorkloadIdentity
from settings.schema.stack import Settings

# The S3 interface of Google Cloud Storage, and the end of the host names of Azure's storage.
GOOGLE = "storage.googleapis.com"
AZURE = (".core.windows.net", ".core.chinacloudapi.cn", ".core.usgovcloudapi.net")


def region(settings: Settings) -> Iterator[Fault]:
    """Check that the region is set for an existing bucket at AWS."""
    artifacts = settings.artifacts
    if not isinstance(artifacts, S3Artifacts):
        return
    path, endpoint = key(artifacts, lambda one: one.region), key(artifacts, lambda one: one.endpoint_url)
    if not endpoint.written and path.origin != "stack file":
        yield Fault(
            path,
            f"is missing; without {endpoint} the store is AWS, which needs the bucket's region",
            f"add the region, or {endpoint} for another store",
        )


def authority(settings: Settings) -> Iterator[Fault]:
    """Check that a CA certificate is set only with an https endpoint."""
    artifacts = settings.artifacts
    if not isinstance(artifacts, S3Artifacts):
        return
    path, endpoint = key(artifacts, lambda one: one.authority), key(artifacts, lambda one: one.endpoint_url)
    if path.written and not (artifacts.endpoint_url or "").startswith("https://"):
        store = "is AWS, whose CA is public" if artifacts.endpoint_url is None else "has no TLS"
        yield Fault(
            path,
            f"is not used: the store {store}",
            f"remove {path}, or use the https URL of the store in {endpoint}",
        )


def identity(settings: Settings) -> Iterator[Fault]:
    """Check that an IAM role is used only at AWS."""
    artifacts = settings.artifacts
    if not isinstance(artifacts, S3Artifacts) or not isinstance(artifacts.credentials, WorkloadIdentity):
        return
    if artifacts.endpoint_url is not None:
        endpoint = key(artifacts, lambda one: one.endpoint_url)
        yield Fault(
            key(artifacts.credentials, lambda one: one.kind),
            f"`workload-identity` works only at AWS, but {endpoint} is set to another store",
            f"use an access key, or remove {endpoint}",
        )


def checksums(settings: Settings) -> Iterator[Fault]:
    """Check that no additional checksums are sent to Google Cloud Storage, which refuses such uploads."""
    artifacts = settings.artifacts
    if not isinstance(artifacts, S3Artifacts) or artifacts.endpoint_url is None:
        return
    if host_of(artifacts.endpoint_url) == GOOGLE and artifacts.checksums:
        path = key(artifacts, lambda one: one.checksums)
        yield Fault(path, f"is true, but {GOOGLE} refuses uploads with S3's additional checksums", f"set {path} false")


def azure(settings: Settings) -> Iterator[Fault]:
    """Report Azure Blob Storage, which has no S3 interface."""
    artifacts = settings.artifacts
    if not isinstance(artifacts, S3Artifacts) or artifacts.endpoint_url is None:
        return
    if host_of(artifacts.endpoint_url).endswith(AZURE):
        yield Fault(
            key(artifacts, lambda one: one.endpoint_url),
            "is Azure Blob Storage, which has no S3 interface",
            "use a store with an S3 interface: a bucket at AWS or Google Cloud, or an S3-compatible store on Azure's"
            " machines (docs/own-services.md)",
        )


def host_of(url: str) -> str:
    """Host name of a URL, in lower case."""
    return (urlsplit(url).hostname or "").lower()


RULES = (region, authority, identity, checksums, azure)
