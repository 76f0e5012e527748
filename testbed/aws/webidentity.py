"""AssumeRoleWithWebIdentity: whose token it is, who vouches for it, and what the role's trust policy says about it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from testbed.aws.identity import ACCOUNT
from testbed.aws.kept import identities
from testbed.aws.policy.document import trust_policy
from testbed.aws.policy.evaluate import Policies, judge
from testbed.aws.policy.request import Caller, Request, Verdict

ACTION: Final = "sts:AssumeRoleWithWebIdentity"
Issuers = Mapping[str, Mapping[str, Any]]
"""Key sets (JWKS) by issuer: what AWS fetches from the issuer itself, and cannot from a test's."""


class TokenError(Exception):
    """A token does not count."""

    def __init__(self, code: str, message: str) -> None:
        """Have one of STS's codes, and words for a person."""
        super().__init__(message)
        self.code = code


def request(form: Mapping[str, str], issuers: Issuers, now: datetime) -> Request:
    """Return what is asked, once the token has been found good."""
    claims = _verified(form.get("WebIdentityToken", ""), issuers, now)
    issuer = str(claims["iss"]).removeprefix("https://").rstrip("/")
    provider = identities.identity_provider(issuer)
    if provider is None:
        raise TokenError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {claims['iss']}")
    arn, clients = provider
    audience = claims.get("aud", [])
    audiences: list[str] = [audience] if isinstance(audience, str) else audience
    if len(audiences) != 1 or audiences[0] not in clients:
        raise TokenError("InvalidIdentityToken", f"Incorrect token audience {audiences}")
    return Request(
        action=ACTION,
        resource=form.get("RoleArn", ""),
        caller=Caller(federated=arn),
        keys={
            f"{issuer}:sub".lower(): str(claims["sub"]),
            f"{issuer}:aud".lower(): audiences[0],
            "sts:rolesessionname": form.get("RoleSessionName", ""),
        },
    )


def verdict(asked: Request) -> Verdict:
    """Judge by the trust policy of the role."""
    written = identities.trust(asked.resource or "")
    return Verdict.IMPLICIT_DENY if written is None else judge(asked, Policies(resource=trust_policy(written)))


def service_verdict(role: str, service: str, action: str, tags: Mapping[str, str]) -> Verdict:
    """Judge whether a service of AWS may assume a role."""
    keys = {f"aws:requesttag/{name}".lower(): value for name, value in tags.items()}
    caller = Caller(service=service)
    return verdict(Request(action=action, resource=role, caller=caller, keys={**keys, "aws:principalaccount": ACCOUNT}))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verified(token: str, issuers: Issuers, now: datetime) -> dict[str, Any]:
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
    except ValueError:
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not a valid JWT") from None
    keys = issuers.get(str(claims.get("iss")), {}).get("keys", [])
    found = [key for key in keys if key.get("kid") == header.get("kid")]
    if header.get("alg") != "RS256" or not found:
        message = f"Couldn't retrieve verification key from your identity provider: {claims.get('iss')}"
        raise TokenError("InvalidIdentityToken", message)
    modulus, exponent = (int.from_bytes(_decoded(found[0][name]), "big") for name in ("n", "e"))
    try:
        key = RSAPublicNumbers(exponent, modulus).public_key()
        key.verify(_decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise TokenError("InvalidIdentityToken", "The signature of the token is not its issuer's") from None
    if now >= datetime.fromtimestamp(float(claims["exp"]), UTC):
        raise TokenError("ExpiredTokenException", "Token expired")
    return claims
