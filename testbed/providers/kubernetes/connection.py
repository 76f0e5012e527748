"""One connection pool to an API server, made from a kubeconfig.

The official Python client reads the kubeconfig: its contexts, certificates, tokens and credential
plugins. The pool is our own, because that client keeps private keys in files of the temporary
directory for as long as the process lives; here they are deleted once the pool has read them.
"""
# Half of that client has no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
import ssl
from copy import deepcopy
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode

import kubernetes.client
import kubernetes.config
import urllib3

from testbed.providers.kubernetes.api_errors import ApiError, UnreachableError
from testbed.providers.kubernetes.settings import (
    Settings,
    active_cluster,
    ambient_kubeconfig,
    kubeconfig_file,
    parse_kubeconfig,
)
from testbed.providers.values import Json, Object, objects, parse_json, text

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_JSON: Final = "application/json"

_CONNECTIONS: Final = 64
_TIMEOUT: Final = urllib3.Timeout(connect=30, read=120)
_FILE_KEYS: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class ConfigurationError(Exception):
    """The kubeconfig does not lead to a server."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server, and how to talk to it."""

    host: str
    pool: urllib3.PoolManager
    configuration: kubernetes.client.Configuration

    def request(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        query: Mapping[str, str] | None = None,
        content: str = CONTENT_JSON,
    ) -> Object:
        """Send a request and return the answer; a failure of the server is an `ApiError`."""
        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            response = self.pool.request(
                method,
                url,
                body=json.dumps(body).encode() if body is not None else None,
                headers=self._headers(content),
                timeout=_TIMEOUT,
            )
        except urllib3.exceptions.HTTPError as error:
            cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
            message = f'{method.capitalize()} "{url}": {cause}'
            raise UnreachableError(message) from error
        answer = _parse(response.data)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(response.status, answer)
        return answer

    def _headers(self, content: str) -> dict[str, str]:
        # Asking for the settings refreshes a token that has run out.
        settings = cast("dict[str, dict[str, str]]", self.configuration.auth_settings())
        credentials = {setting["key"]: setting["value"] for setting in settings.values()}
        return {
            "Accept": CONTENT_JSON,
            "Content-Type": content,
            "User-Agent": "pulumi-kubernetes-stand-in",
            **credentials,
        }


def _parse(data: bytes) -> Object:
    try:
        document = parse_json(json.loads(data))
    except ValueError:
        return {"message": data.decode(errors="replace").strip()}
    return document if isinstance(document, dict) else {"message": str(document)}


def connect(settings: Settings) -> Connection:
    """Make a connection as the settings say; without a kubeconfig as `kubectl` would."""
    configuration = kubernetes.client.Configuration()
    source = settings.kubeconfig or ambient_kubeconfig()
    config = _with_absolute_files(parse_kubeconfig(source), kubeconfig_file(source))
    with TemporaryDirectory(prefix="pulumi-kubernetes-") as directory:
        try:
            if config:
                kubernetes.config.load_kube_config_from_dict(
                    _with_cluster(config, settings),
                    settings.context or None,
                    configuration,
                    persist_config=False,
                    temp_file_path=directory,
                )
            else:
                kubernetes.config.load_incluster_config(configuration)
            trust = _trust(configuration)
        except (kubernetes.config.ConfigException, ssl.SSLError, OSError) as error:
            raise ConfigurationError(str(error)) from error
    proxy = text(active_cluster(config, settings), "proxy-url")
    pool = (
        urllib3.ProxyManager(proxy, maxsize=_CONNECTIONS, ssl_context=trust)
        if proxy
        else urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=trust)
    )
    return Connection(configuration.host.rstrip("/"), pool, configuration)


def _trust(configuration: kubernetes.client.Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


def _with_absolute_files(config: Object, file: Path | None) -> Object:
    """Return the kubeconfig with every file it names found from where the kubeconfig is."""
    if file is None:
        return config
    changed = deepcopy(config)
    for section, key in (("clusters", "cluster"), ("users", "user")):
        for entry in objects(changed, section):
            fields = entry.get(key)
            if isinstance(fields, dict):
                for name in _FILE_KEYS:
                    if value := text(fields, name):
                        fields[name] = str(file.parent / Path(value))
    return changed


def _with_cluster(config: Object, settings: Settings) -> Object:
    if not settings.cluster:
        return config
    changed = deepcopy(config)
    chosen = settings.context or text(config, "current-context")
    for entry in objects(changed, "contexts"):
        context = entry.get("context")
        if text(entry, "name") == chosen and isinstance(context, dict):
            context["cluster"] = settings.cluster
    return changed
