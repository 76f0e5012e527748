"""Error responses to refused requests, in the format of the AWS service that was called."""

from __future__ import annotations

import json
from typing import Final
from xml.sax.saxutils import escape

import xmltodict
from werkzeug.wrappers import Response

from testbed.aws.calls.call import Call

FAULT: Final = "StandInFault"
_QUERY: Final = frozenset({"iam", "sts", "rds"})
_STATUS: Final = {"MalformedPolicy": 400, "MalformedPolicyDocument": 400, "LimitExceeded": 409, FAULT: 501}
_OTHER_STATUS: Final = 403


class RefusedError(Exception):
    """AWS would refuse the request."""

    def __init__(self, code: str, message: str) -> None:
        """Store AWS's error code and the message."""
        super().__init__(message)
        self.code = code


def refusal(call: Call, code: str, message: str) -> Response:
    """Return the error response to a refused request."""
    status = _STATUS.get(code, 400 if code.startswith(("Invalid", "AccessControlList")) else _OTHER_STATUS)
    if call.service == "s3":
        status = _OTHER_STATUS if code in {"InvalidAccessKeyId", "InvalidToken"} else status
        return _xml(call, status, f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>")
    if call.service == "ec2":
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(call, status, f"<Response><Errors>{error}</Errors></Response>")
    if call.service in _QUERY:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(call, status, f"<ErrorResponse>{error}</ErrorResponse>")
    exception = code if code.endswith("Exception") else f"{code}Exception"
    status = status if status == _STATUS[FAULT] else 400
    body = json.dumps({"__type": exception, "message": message})
    return Response(body, status=status, content_type="application/x-amz-json-1.1")


def _xml(call: Call, status: int, body: str) -> Response:
    text = "" if call.method == "HEAD" else f'<?xml version="1.0" encoding="UTF-8"?>{body}'
    return Response(text, status=status, content_type="application/xml")


def without_denied(body: bytes, denied: frozenset[str]) -> bytes:
    """Remove the denied objects from the body of a multi-object delete; the result is empty if no object is left."""
    document = xmltodict.parse(body, force_list=("Object",))
    allowed = [item for item in document["Delete"]["Object"] if item["Key"] not in denied]
    document["Delete"]["Object"] = allowed
    return xmltodict.unparse(document).encode() if allowed else b""


def with_denied(answer: Response | None, denied: frozenset[str]) -> Response:
    """Add the denied objects, as errors, to the result of a multi-object delete."""
    errors = "".join(
        f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        for key in sorted(denied)
    )
    text = answer.get_data(as_text=True) if answer is not None else "<DeleteResult></DeleteResult>"
    return Response(text.replace("</DeleteResult>", f"{errors}</DeleteResult>"), content_type="application/xml")
