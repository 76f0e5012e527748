"""The gateway in front of moto: authenticates and authorizes requests, and corrects answers that differ from AWS."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Response

from testbed.aws import refusals, sessions, validity
from testbed.aws.authorization import decisions, principal_of, verdict
from testbed.aws.calls import others, s3
from testbed.aws.calls.call import Call, received, rewritten
from testbed.aws.calls.permission import UnknownCallError
from testbed.aws.log import ActionLog
from testbed.aws.moto_state import iam
from testbed.aws.policy.request import PolicyError, Verdict
from testbed.aws.principals import Principal
from testbed.aws.refusals import RefusedError
from testbed.aws.web_identity import Issuers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NOT_FOUND: Final = 404
_FAILURES: Final = 400
# Paths that are not forwarded: moto's own control interface, and the metadata service of EC2 instances.
_CLOSED: Final = ("/moto-api", "/latest/")


class Gateway:
    """A WSGI application that handles requests before moto's WSGI application does."""

    def __init__(self, moto: WSGIApplication) -> None:
        """Start without enforcing signatures and policies: there are no users yet."""
        self._moto = moto
        self.enforcing = False
        self.issuers: Issuers = {}
        self.log = ActionLog()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        call = received(environ, secure=environ["wsgi.url_scheme"] == "https")
        return self._answer(call, environ)(environ, start_response)

    def _answer(self, call: Call, environ: WSGIEnvironment) -> Response:
        if call.path.startswith(_CLOSED):
            return Response("not a service of AWS", status=_NOT_FOUND)
        now = datetime.now(UTC)
        try:
            validity.check(call)
            if sessions.is_web_identity(call):
                refused = sessions.refuse(call, self.issuers, self.log) if self.enforcing else None
                return refused or self._forward(environ)
            if not self.enforcing:
                return self._forward(environ)
            return self._authorize(call, principal_of(call, now), environ, now)
        except RefusedError as error:
            return refusals.refusal(call, error.code, str(error))
        except (PolicyError, UnknownCallError) as error:
            # Also printed, because AWS would not refuse this: extend the stand-in, or change the policy.
            print(f"AWS stand-in: {call.method} {call.target}: {error}", file=sys.stderr, flush=True)
            return refusals.refusal(call, refusals.FAULT, f"the AWS stand-in of the tests: {error}")

    def _authorize(self, call: Call, principal: Principal, environ: WSGIEnvironment, now: datetime) -> Response:
        denied = [one for one in decisions(call, principal, now, self.log) if one.verdict is not Verdict.ALLOW]
        items = frozenset(one.permission.item for one in denied if one.permission.item)
        for one in denied:
            if not one.permission.item:
                message = f"{principal.arn} is not authorized to perform: {one.permission.action} ({one.verdict})"
                code = "UnauthorizedOperation" if call.service == "ec2" else "AccessDenied"
                return refusals.refusal(call, code, message)
        if items:
            rest = refusals.without_denied(call.body, items)
            return refusals.with_denied(self._forward(rewritten(environ, rest)) if rest else None, items)
        answer = self._forward(environ)
        if answer.status_code == _NOT_FOUND and call.service == "s3" and self._hides(call, principal, now):
            return refusals.refusal(call, "AccessDenied", "Access Denied")
        return answer

    def _hides(self, call: Call, principal: Principal, now: datetime) -> bool:
        """True if S3 hides that an object does not exist, because the caller may not list the bucket."""
        where = s3.place(call)
        reads = call.method in {"GET", "HEAD"} and bool(where.key)
        return reads and verdict(call, principal, s3.of_bucket(where, "ListBucket"), now) is not Verdict.ALLOW

    def _forward(self, environ: WSGIEnvironment) -> Response:
        call = received(environ, secure=False)
        if call.service == "iam" and others.operation(call) in sessions.BOUNDARIES:
            return sessions.set_boundary(call)
        answer = Response.from_app(self._moto, environ)
        if call.service == "iam" and call.form.get("Action") == "CreateUser" and answer.status_code < _FAILURES:
            iam.set_user_boundary(call.form["UserName"], call.form.get("PermissionsBoundary"))
        return answer
