"""An issuer of tokens like a cluster's: what a pod's projected token would say, without a cluster."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

_KEY_ID: Final = "tests"
_HOUR: Final = 3600


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """Signs tokens for service accounts."""

    def __init__(self, url: str) -> None:
        """Have a key of its own."""
        self.url: Final = url
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self._key.public_key().public_numbers()
        key = {"kid": _KEY_ID, "kty": "RSA", "alg": "RS256", "n": _number(public.n), "e": _number(public.e)}
        self.keys: Final[Mapping[str, Any]] = {"keys": [key]}
        """The key set (JWKS)."""

    def token(
        self, namespace: str, account: str, *, audience: Sequence[str] = ("sts.amazonaws.com",), seconds: int = _HOUR
    ) -> str:
        """Return a token for a service account."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": list(audience),
            "iat": now,
            "exp": now + seconds,
        }
        head = _encoded(json.dumps({"alg": "RS256", "kid": _KEY_ID}).encode())
        signed = f"{head}.{_encoded(json.dumps(claims).encode())}"
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"
