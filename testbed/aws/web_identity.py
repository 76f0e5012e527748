"""AssumeRoleWithWebIdentity: verification of the token, and the verdict of the role's trust policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt

from testbed.aws.moto_state import iam
from testbed.aws.policy.document import trust_policy
from testbed.aws.policy.evaluate import Policies, evaluate
from testbed.aws.policy.request import Caller, Request, Verdict
from testbed.aws.principals import ACCOUNT
from testbed.aws.refusals import RefusedError

ACTION: Final = "sts:AssumeRoleWithWebIdentity"
_INVALID: Final = "InvalidIdentityToken"
Issuers = Mapping[str, Mapping[str, Any]]
"""Key sets (JWKS) by issuer. AWS would fetch them from the issuer, but the tests' issuers do not serve any."""


def request(form: Mapping[str, str], issuers: Issuers) -> Request:
    """Verify the token, and return the request that the role's trust policy is evaluated for."""
    claims = _verified(form.get("WebIdentityToken", ""), issuers)
    issuer = str(claims["iss"]).removeprefix("https://").rstrip("/")
    provider = iam.identity_provider(issuer)
    if provider is None:
        raise RefusedError(_INVALID, f"No OpenIDConnect provider found in your account for {claims['iss']}")
    arn, clients = provider
    audience = claims.get("aud", [])
    audiences: list[str] = [audience] if isinstance(audience, str) else audience
    if len(audiences) != 1 or audiences[0] not in clients:
        raise RefusedError(_INVALID, f"Incorrect token audience {audiences}")
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
    """Evaluate the trust policy of the requested role."""
    written = iam.trust(asked.resource or "")
    return Verdict.IMPLICIT_DENY if written is None else evaluate(asked, Policies(resource=trust_policy(written)))


def service_verdict(role: str, service: str, action: str, tags: Mapping[str, str]) -> Verdict:
    """Evaluate a role's trust policy for an AWS service that assumes the role."""
    keys = {f"aws:requesttag/{name}".lower(): value for name, value in tags.items()}
    caller = Caller(service=service)
    return verdict(Request(action=action, resource=role, caller=caller, keys={**keys, "aws:principalaccount": ACCOUNT}))


def _verified(token: str, issuers: Issuers) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.DecodeError:
        raise RefusedError(_INVALID, "The ID Token provided is not a valid JWT") from None
    keys = [key for key in issuers.get(str(issuer), {}).get("keys", []) if key.get("kid") == header.get("kid")]
    if not keys:
        raise RefusedError(_INVALID, f"Couldn't retrieve verification key from your identity provider: {issuer}")
    options: Any = {"verify_aud": False, "require": ["exp", "iss", "sub"]}
    try:
        return jwt.decode(token, jwt.PyJWK(keys[0], algorithm="RS256"), algorithms=["RS256"], options=options)
    except jwt.ExpiredSignatureError:
        raise RefusedError("ExpiredTokenException", "Token expired") from None
    except jwt.InvalidTokenError as error:
        raise RefusedError(_INVALID, f"The token is not valid: {error}") from None
