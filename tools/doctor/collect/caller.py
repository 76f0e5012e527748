"""Probes from the caller's machine: host name, connection, certificate, answers of the platform."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from tools.stack import Platform

CONNECT_SECONDS = 5
READ_SECONDS = 10
BODY_CHARACTERS = 300

Result = dict[str, Any]


def probe(platform: Platform) -> dict[str, Result]:
    """Results for host name, connection, certificate and health; each is probed only if the one before succeeded."""
    host, port = _address(platform)
    results: dict[str, Result] = {"resolve": resolve(host)}
    if "error" in results["resolve"]:
        return results
    results["connect"] = {"address": f"{results['resolve']['addresses'][0]}:{port}"}
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        results["connect"]["error"] = str(error)
        return results
    results["tls"] = presented(host, port, platform.authority)
    if "late" in results["tls"]:
        results["health"] = {"error": results["tls"]["late"]}
    elif "error" not in results["tls"]:
        results["health"] = ask(platform, "GET", "/health")
    return results


def _address(platform: Platform) -> tuple[str, int]:
    parts = urlsplit(platform.url)
    return parts.hostname or "", parts.port or 443


def resolve(host: str) -> Result:
    """Addresses of a host name; bounded, because the system's resolver waits as long as it is configured to."""
    pool = ThreadPoolExecutor(1)
    try:
        found = pool.submit(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM).result(CONNECT_SECONDS)
    except LateError:
        return {"error": f"no answer within {CONNECT_SECONDS} s"}
    except OSError as error:
        return {"error": str(error)}
    finally:
        pool.shutdown(wait=False)
    return {"addresses": sorted({str(one[4][0]) for one in found})}


def presented(host: str, port: int, authority: str | None) -> Result:
    """The certificate that an address presents, and the error if clients reject it."""
    result: Result = {}
    # Only to read the certificate; nothing is sent.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=CONNECT_SECONDS) as plain,
            unchecked.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            result |= described(wrapped.getpeercert(binary_form=True) or b"")
        with (
            socket.create_connection((host, port), timeout=CONNECT_SECONDS) as plain,
            ssl.create_default_context(cadata=authority).wrap_socket(plain, server_hostname=host),
        ):
            pass
    except TimeoutError:
        result["late"] = f"no TLS connection within {CONNECT_SECONDS} s"
    except (OSError, ValueError) as error:
        result["error"] = str(error)
    return result


def described(certificate: bytes) -> Result:
    """Names, issuer and dates of a certificate in DER."""
    read = x509.load_der_x509_certificate(certificate)
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        hosts = []
    return {
        "names": hosts or [read.subject.rfc4514_string()],
        "issuer": read.issuer.rfc4514_string(),
        "not_before": read.not_valid_before_utc.timestamp(),
        "not_after": read.not_valid_after_utc.timestamp(),
    }


def ask(
    platform: Platform,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
) -> Result:
    """Status and body of a request to the platform; an error if there is no answer."""
    host, port = _address(platform)
    trust = ssl.create_default_context(cadata=platform.authority)
    connection = http.client.HTTPSConnection(host, port, timeout=READ_SECONDS, context=trust)
    sent = {**(headers or {}), **({"Content-Type": "application/json"} if document is not None else {})}
    body = None if document is None else json.dumps(document)
    try:
        connection.request(method, urlsplit(platform.url).path + path, body=body, headers=sent)
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()
    return {"status": answer.status, "body": said}


def short(result: Result) -> Result:
    """A result whose body is short enough for a report, and empty if the request was answered."""
    if "body" not in result:
        return result
    return {**result, "body": "" if result["status"] == http.HTTPStatus.OK else result["body"][:BODY_CHARACTERS]}
