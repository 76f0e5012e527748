"""An issuer of service account tokens like a cluster's API server, without a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

_KEY_ID: Final = "tests"
_HOUR: Final = 3600


class Issuer:
    """Signs tokens for service accounts, with a key of its own."""

    def __init__(self, url: str) -> None:
        """Make the key."""
        self.url: Final = url
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.keys: Final[Mapping[str, Any]] = {"keys": [{**key, "kid": _KEY_ID, "alg": "RS256"}]}
        """The key set (JWKS)."""

    def token(
        self, namespace: str, account: str, *, audience: Sequence[str] = ("sts.amazonaws.com",), seconds: int = _HOUR
    ) -> str:
        """Issue a token for a service account."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": list(audience),
            "iat": now,
            "exp": now + seconds,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": _KEY_ID})
