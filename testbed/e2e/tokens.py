"""Forged and expired tokens, as an attacker would try them."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from testbed.paths import home

HOUR = 3600


def resigned(token: str, *, expires_in: int, key: rsa.RSAPrivateKey) -> str:
    """The same service-account token with another time of expiry, signed by `key`."""
    header, payload, _ = token.split(".")
    claims: dict[str, Any] = json.loads(_decode(payload))
    now = int(time.time())
    claims |= {"exp": now + expires_in, "iat": now - HOUR, "nbf": now - HOUR}
    signed = f"{header}.{_encode(json.dumps(claims).encode())}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_encode(signature)}"


def cluster_key() -> rsa.RSAPrivateKey:
    """The key with which the embedded cluster signs its tokens; needed for a valid token that has already expired."""
    pem = (home().node / "kubernetes" / "pki" / "sa.key").read_bytes()
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def strange_key() -> rsa.RSAPrivateKey:
    """An untrusted key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def without_signature(token: str) -> str:
    """The same claims under `alg: none`, which careless verifiers take."""
    header: dict[str, Any] = json.loads(_decode(token.partition(".")[0]))
    unsigned = _encode(json.dumps(header | {"alg": "none"}).encode())
    return f"{unsigned}.{token.split('.')[1]}."


def aged(cookie: str, *, name: str, secret: str, seconds: int) -> str:
    """A session's cookie with its time moved back by `seconds`, signed with the login's own secret."""
    value, made, _ = cookie.split("|")
    earlier = str(int(made) - seconds)
    signature = hmac.new(secret.encode(), f"{name}{value}{earlier}".encode(), hashlib.sha256).digest()
    return f"{value}|{earlier}|{base64.urlsafe_b64encode(signature).decode()}"


def claims(token: str) -> dict[str, Any]:
    """Claims of a token, without verification."""
    return json.loads(_decode(token.split(".")[1]))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
