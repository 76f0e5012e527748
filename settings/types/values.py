"""Types of the values in a stack file, for use in `settings/schema/`."""

import datetime as dt
import difflib
import re
from typing import Annotated

from pydantic import BeforeValidator

from settings.types import addresses, certificates, kinds, names, quantities

# Images of MLflow without the authorization plugin for Kubernetes RBAC.
PLAIN_MLFLOW = frozenset({"ghcr.io/mlflow/mlflow", "docker.io/bitnami/mlflow", "docker.io/bitnamilegacy/mlflow"})
LONGEST_DESCRIPTION = 500
# Of the 1024 bytes of a key, the rest is for workspace, run and file.
LONGEST_PREFIX = 200
# Why features of the server are not offered. Their routes are in routes.toml of the server's package.
NOT_OFFERED = {
    "assistant": "it runs a coding assistant as a process on the server",
    "demo": "while it creates its data, MLflow treats all requests as requests to one workspace",
    "gateway": "it sends requests to model providers with keys that teams store on the server",
    "jobs": "they run code on the server with access to all workspaces",
    "mcp-servers": "no role has permissions on them",
    "online-evaluation": "it runs scorers on the server with access to all workspaces",
}
# The first is the default: a server of the platform's own.
SERVER_KINDS = ("platform", "external", "databricks")
# Placeholder that OAuth2-Proxy replaces in `--backend-logout-url`.
PLACEHOLDER = "{id_token}"

_REGISTRY = r"(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::[0-9]+)?"
_IMAGE = re.compile(
    rf"{_REGISTRY}(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+(?::([A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?(@sha256:[0-9a-f]{{64}})?"
)


def _feature(text: str) -> str | None:
    if text == "webhooks":
        return None
    if text in NOT_OFFERED:
        return f"`{text}` is not offered, because {NOT_OFFERED[text]}: remove it"
    return "write `webhooks`, or leave the list empty"


def _image(text: str) -> str | None:
    match = _IMAGE.fullmatch(text)
    if match is None:
        folder = text if "/" in text else f"library/{text}"
        if not re.match(f"{_REGISTRY}/", text) and _image(f"docker.io/{folder}") is None:
            return f"add the image's registry, for example docker.io/{folder}"
        return "write it like registry.example.com/folder/name:1.2.3, in lower case"
    version, digest = match.groups()
    if digest:
        return None
    if version == "latest":
        return "`latest` changes without notice: write a version or a digest"
    return None if version else f"add a version: {text}:<version>"


def _registry(text: str) -> str | None:
    bare = re.sub(r"^https?://", "", text).rstrip("/")
    if re.fullmatch(rf"{_REGISTRY}(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*", bare):
        return None if bare == text else f"write it without scheme and slash at the end: {bare}"
    return "write it like mirror.example.com or mirror.example.com:5000/folder, in lower case"


def _server_image(text: str) -> str | None:
    if re.split("[:@]", text)[0] in PLAIN_MLFLOW:
        return "that image lacks the authorization plugin: build an image that has it with `make image`"
    return _image(text)


def _bucket(text: str) -> str | None:
    labels_are_right = all(re.fullmatch(addresses.LABEL, label) for label in text.split("."))
    if labels_are_right and re.fullmatch(r".{3,63}", text) and not addresses.is_address(text):
        return None
    bare = re.sub(r"^s3a?://", "", text).split("/")[0]
    if bare != text and _bucket(bare) is None:
        return f"write only the name of the bucket, without scheme or folder: {bare}"
    return "write 3 to 63 lower-case letters, digits, hyphens and dots"


def _prefix(text: str) -> str | None:
    # Without a percent sign, whose meaning in a URI is another, and without dots alone, which are steps in a path.
    segment = r"(?!\.+(?:/|$))[A-Za-z0-9._-]+"
    if re.fullmatch(rf"{segment}(?:/{segment})*", text) and len(text) <= LONGEST_PREFIX:
        return None
    bare = re.sub(r"^s3a?://[^/]*", "", text).strip("/")
    if bare and bare != text and _prefix(bare) is None:
        return f"write only the folder, without bucket and without slashes around it: {bare}"
    return (
        f"write at most {LONGEST_PREFIX} letters, digits, dots, hyphens and underscores, with slashes between folders"
    )


def _region(text: str) -> str | None:
    zone = re.fullmatch(r"([a-z]{2}(?:-[a-z]+)+-[0-9])[a-z]", text)
    if zone:
        return f"that is an availability zone: write its region, {zone[1]}"
    return (
        None
        if re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text)
        else "write the region exactly as the operator of the store calls it"
    )


def _logout_url(text: str) -> str | None:
    bare = text.replace(PLACEHOLDER, "")
    if re.search(r"[{}]", bare):
        return f"the only placeholder is {PLACEHOLDER}"
    if not bare.startswith("https://"):
        return "begin the URL with https://, because it may contain the ID token"
    return None if re.fullmatch(r"https://[^\s/?#@]+[^\s#]*", bare) else "write scheme, host and path, without spaces"


def _date(text: str) -> str | None:
    # The engine's form of a date without quotes, which YAML reads as a timestamp.
    day = text.removesuffix(" 00:00:00 +0000 UTC")
    try:
        right = dt.date.fromisoformat(day).isoformat() == day
    except ValueError:
        right = False
    if not right:
        return "write year, month and day, in quotes"
    return None if day == text else f'put the date in quotes, because YAML would read it as a timestamp: "{day}"'


def _description(text: str) -> str | None:
    return None if len(text) <= LONGEST_DESCRIPTION else f"shorten it by {len(text) - LONGEST_DESCRIPTION} characters"


def _server_kind(text: str) -> str | None:
    near = difflib.get_close_matches(text.lower(), SERVER_KINDS, n=1)
    if text == SERVER_KINDS[0]:
        return None
    return f"did you mean `{near[0]}`?" if near else "choose one of them, or remove the key"


def _plain(text: str) -> str | None:
    return None if text.strip() else "write a string that is not empty, or remove the key"


SERVER_KIND = kinds.text("`platform` or `external` or `databricks`", _server_kind)
Feature = Annotated[str, kinds.text("`webhooks`", _feature)]
Host = Annotated[str, kinds.text("a host name like mlflow.example.com", addresses.host)]
ServerHost = Annotated[str, kinds.text("a host name like postgres.example.com, or an IPv4 address", addresses.server)]
NamespaceLabel = Annotated[str, kinds.text("a label like mlflow-enabled=true", names.key_value)]
Flag = Annotated[bool, kinds.flag()]
Port = Annotated[int, kinds.whole(1, 65535)]
Endpoint = Annotated[
    str, kinds.text("a URL of scheme, host and optional port, like https://s3.example.com", addresses.endpoint)
]
TrackingUrl = Annotated[
    str, kinds.text("the URL of a tracking server, like https://mlflow.example.com", addresses.tracking)
]
DatabricksHost = Annotated[
    str,
    kinds.text("the https URL of a Databricks workspace, like https://name.cloud.databricks.com", addresses.workspace),
]
LabelName = Annotated[str, kinds.text("the name of a label, optionally with a prefix", names.label_name)]
LabelValue = Annotated[str, kinds.text("the value of a label", names.label_value)]
OwnLabel = Annotated[
    str, kinds.text("the name of a label that neither Kubernetes nor the platform uses", names.own_label)
]
PodAnnotation = Annotated[
    str, kinds.text("the name of an annotation that neither Kubernetes nor the platform uses", names.pod_annotation)
]
NamespaceAnnotation = Annotated[
    str,
    kinds.text("the name of an annotation that neither Kubernetes nor the platform uses", names.namespace_annotation),
]
PriorityClass = Annotated[str, kinds.text("the name of a PriorityClass", names.priority_class)]
PodLabel = Annotated[str, kinds.text("a label of pods as key=value", names.key_value)]
ClientVersion = Annotated[
    str,
    kinds.matching(
        'a version of the MLflow client like "3.17.2"',
        r"[0-9]+\.[0-9]+(?:\.[0-9]+)?",
        'write the version that `pip show mlflow` prints, in quotes, like "3.17.2"',
    ),
]
Issuer = Annotated[str, kinds.text("an https URL like https://login.example.com/realms/company", addresses.issuer)]
LogoutUrl = Annotated[
    str,
    kinds.text(f"an https URL like https://login.example.com/logout?id_token_hint={PLACEHOLDER}", _logout_url),
]
UrlPath = Annotated[str, kinds.text("a path like /clusters/demo/mlflow, without a slash at the end", addresses.path)]
Email = Annotated[str, kinds.text("an e-mail address in lower case", addresses.email)]
Cpu = Annotated[str, kinds.text('an amount of CPU like "250m" or "2"', quantities.cpu, quantities.CPU)]
Size = Annotated[str, kinds.text('a size like "700Mi" or "10Gi"', quantities.size, quantities.SIZE)]
VolumeSize = Annotated[str, kinds.text('a size of at least "1Gi"', quantities.volume, quantities.SIZE)]
Namespace = Annotated[
    str, kinds.text("a name of lower-case letters, digits and hyphens", names.namespace, addresses.LABEL)
]
TeamName = Annotated[
    str, kinds.text("a name of 2 to 63 lower-case letters, digits and hyphens", names.team, addresses.LABEL)
]
ModelName = Annotated[
    str,
    kinds.matching(
        "the name of a registered model",
        r"[^/:]*[^/:\s][^/:]*",
        "write it without `/` and `:`, which MLflow does not allow in names",
    ),
]
ObjectName = Annotated[str, kinds.text("the name of a Kubernetes object", names.object_name)]
Identifier = Annotated[
    str, kinds.text("a name of lower-case letters, digits and underscores", names.identifier, names.IDENTIFIER)
]
# Operators of managed servers choose names like admin-user or user@host.
RoleName = Annotated[
    str, kinds.matching("the name of a PostgreSQL role", r"[\w@.-]{1,63}", "write the role's name as in pg_roles")
]
Group = Annotated[str, kinds.text("a group of the identity provider", names.group)]
Image = Annotated[str, kinds.text("an image with registry and version", _image)]
Registry = Annotated[str, kinds.text("a registry, optionally with a path", _registry)]
ServerImage = Annotated[str, kinds.text("an image built from images/mlflow, with registry and version", _server_image)]
SecretKey = Annotated[
    str,
    kinds.matching("a key in a Secret", r"[-._a-zA-Z0-9]{1,253}", "write letters, digits, dots, hyphens, underscores"),
]
RoleArn = Annotated[
    str,
    kinds.matching(
        "the ARN of an IAM role",
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+",
        "copy it from the role's page in the AWS console: arn:aws:iam::<account>:role/<name>",
    ),
]
Bucket = Annotated[str, kinds.text("the name of a bucket", _bucket)]
Prefix = Annotated[str, kinds.text("a folder of a bucket like mlflow-artifacts", _prefix)]
Region = Annotated[str, kinds.text("a region like eu-central-1", _region)]
ClientId = Annotated[
    str,
    kinds.matching(
        "the ID of a client at the identity provider", r"\S+", "write the ID exactly as the identity provider shows it"
    ),
]
# The characters of RFC 6749.
Scope = Annotated[
    str,
    kinds.matching("a scope like openid", r"[!#-\[\]-~]+", "write one scope in each line, without spaces around it"),
]
Claim = Annotated[
    str,
    kinds.matching("the name of a claim like groups", r"[!-~]+", "write the claim's name as in an ID token"),
]
# OAuth2-Proxy separates audiences with commas.
Audience = Annotated[
    str,
    kinds.matching(
        "an audience of service-account tokens",
        r'[^\s,"]+',
        "write it exactly as in the `aud` claim of the tokens",
    ),
]
AddressRange = Annotated[str, kinds.text("an address range in CIDR notation, like 10.0.0.0/16", addresses.block)]
DnsRange = Annotated[
    str, kinds.text("an address range of DNS in CIDR notation, like 10.96.0.10/32", addresses.dns_block)
]
# Of DNS itself, and of CoreDNS at OpenShift and Gardener. The policy pack admits no others (`policy/rules/network.py`).
DnsPort = Annotated[int, kinds.one_of(53, 5353, 8053)]
Domain = Annotated[str, kinds.text("a DNS domain like cluster.local", addresses.domain)]
ProxyUrl = Annotated[
    str, kinds.text("the URL of a forward proxy with its port, like http://proxy.example.com:3128", addresses.proxy)
]
ProxyException = Annotated[
    str, kinds.text("a host, a domain or one address, like internal.example.com", addresses.exception)
]
Account = Annotated[str, kinds.text("a service account: `name`, or `namespace/name`", names.account)]
Date = Annotated[
    dt.date, BeforeValidator(dt.date.fromisoformat), kinds.text('a date in quotes like "2026-11-01"', _date)
]
Authority = Annotated[str, kinds.text("CA certificates in PEM", certificates.authority)]
Description = Annotated[str, kinds.text(f"a string of at most {LONGEST_DESCRIPTION} characters", _description)]
ServedName = Annotated[
    str, kinds.text("a name of at most 40 lower-case letters, digits and hyphens", names.served, names.SERVED)
]
Alias = Annotated[str, kinds.text("an alias of a registered model", names.alias)]
Plain = Annotated[str, kinds.text("a string", _plain)]
