"""Verification of request signatures (Signature Version 4): compares each with the one that botocore computes."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from testbed.aws.calls.call import Call, Credential
from testbed.aws.principals import AccessKey
from testbed.aws.refusals import RefusedError

_SKEW: Final = timedelta(minutes=15)
_HEX_DIGEST: Final = 64


def check(call: Call, credential: Credential, key: AccessKey | None, now: datetime) -> AccessKey:
    """Return the access key `key` if it signed the request and is valid.

    Raises:
        RefusedError: the key, its session token, the time, the signature or the body's digest is wrong.
    """
    if key is None:
        raise RefusedError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    if key.fault:
        code = "ExpiredToken" if key.token else "InvalidAccessKeyId"
        raise RefusedError(code, key.fault)
    presigned = "X-Amz-Signature" in call.query
    token = call.query.get("X-Amz-Security-Token", "") if presigned else call.headers.get("x-amz-security-token", "")
    if token != key.token:
        raise RefusedError("InvalidToken", "The provided token is malformed or otherwise invalid.")
    said = call.query["X-Amz-Signature"] if presigned else _field(call, "Signature")
    _check_time(call, now, presigned=presigned)
    if not hmac.compare_digest(said, _computed(call, credential, key, presigned=presigned)):
        message = "The request signature we calculated does not match the signature you provided."
        raise RefusedError("SignatureDoesNotMatch", message)
    digest = call.headers.get("x-amz-content-sha256", "")
    if len(digest) == _HEX_DIGEST and digest != hashlib.sha256(call.body).hexdigest():
        raise RefusedError("XAmzContentSHA256Mismatch", "The body is not the one that was signed.")
    return key


def _field(call: Call, name: str) -> str:
    return call.headers.get("authorization", "").partition(f"{name}=")[2].partition(",")[0]


def _check_time(call: Call, now: datetime, *, presigned: bool) -> None:
    written = call.query.get("X-Amz-Date", "") if presigned else call.headers.get("x-amz-date", "")
    try:
        signed = datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError("AccessDenied", f"{written!r} is not a valid signing time") from None
    late = signed + timedelta(seconds=int(call.query.get("X-Amz-Expires", "0"))) if presigned else signed + _SKEW
    if presigned and now > late:
        raise RefusedError("AccessDenied", "Request has expired")
    if now > late or now < signed - _SKEW:
        raise RefusedError("RequestTimeTooSkewed", "The signing time differs too much from the current time.")


def _computed(call: Call, credential: Credential, key: AccessKey, *, presigned: bool) -> str:
    keys = Credentials(key.principal.arn, key.secret)
    names = call.query.get("X-Amz-SignedHeaders", "") if presigned else _field(call, "SignedHeaders")
    headers = {name: call.headers.get(name, "") for name in names.split(";")}
    request = AWSRequest(method=call.method, url=_url(call), headers=headers, data=call.body)
    request.context["timestamp"] = call.query["X-Amz-Date"] if presigned else call.headers["x-amz-date"]
    auth = _auth(keys, credential, presigned=presigned)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def _auth(keys: Credentials, credential: Credential, *, presigned: bool) -> SigV4Auth:
    if presigned:
        return S3SigV4QueryAuth(keys, credential.service, credential.region)
    kind = S3SigV4Auth if credential.service == "s3" else SigV4Auth
    return kind(keys, credential.service, credential.region)


def _url(call: Call) -> str:
    parts = urlsplit(call.target)
    # In a presigned query, everything but the signature itself is signed.
    query = "&".join(field for field in parts.query.split("&") if not field.startswith("X-Amz-Signature="))
    return f"http://{call.headers.get('host', '')}{parts.path}{'?' if query else ''}{query}"
