"""Refusals, in the words and the format of the service that was asked."""

from __future__ import annotations

import json
from typing import Final
from xml.sax.saxutils import escape

import xmltodict
from werkzeug.wrappers import Response

from testbed.aws.calls.call import Call

_QUERY: Final = frozenset({"iam", "sts", "rds"})
_STATUS: Final = {"MalformedPolicy": 400, "MalformedPolicyDocument": 400, "LimitExceeded": 409, "EquipmentFault": 501}
_STATUS_LEFT_OUT: Final = 403


def refusal(call: Call, code: str, message: str) -> Response:
    """Refuse a request."""
    status = _STATUS.get(code, 400 if code.startswith(("Invalid", "AccessControlList")) else _STATUS_LEFT_OUT)
    if call.service == "s3":
        status = _STATUS_LEFT_OUT if code in {"InvalidAccessKeyId", "InvalidToken"} else status
        return _xml(call, status, f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>")
    if call.service == "ec2":
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(call, status, f"<Response><Errors>{error}</Errors></Response>")
    if call.service in _QUERY:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(call, status, f"<ErrorResponse>{error}</ErrorResponse>")
    exception = code if code.endswith("Exception") else f"{code}Exception"
    status = status if status == _STATUS["EquipmentFault"] else 400
    body = json.dumps({"__type": exception, "message": message})
    return Response(body, status=status, content_type="application/x-amz-json-1.1")


def _xml(call: Call, status: int, body: str) -> Response:
    text = "" if call.method == "HEAD" else f'<?xml version="1.0" encoding="UTF-8"?>{body}'
    return Response(text, status=status, content_type="application/xml")


def without_denied(body: bytes, denied: frozenset[str]) -> bytes:
    """Take the objects out of a multi-object delete that must not be deleted."""
    document = xmltodict.parse(body, force_list=("Object",))
    left = [item for item in document["Delete"]["Object"] if item["Key"] not in denied]
    document["Delete"]["Object"] = left
    return xmltodict.unparse(document).encode() if left else b""


def with_denied(answer: Response | None, denied: frozenset[str]) -> Response:
    """Add to the result of a multi-object delete the objects that were left alone."""
    errors = "".join(
        f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        for key in sorted(denied)
    )
    text = answer.get_data(as_text=True) if answer is not None else "<DeleteResult></DeleteResult>"
    return Response(text.replace("</DeleteResult>", f"{errors}</DeleteResult>"), content_type="application/xml")
