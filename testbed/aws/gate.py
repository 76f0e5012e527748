"""The door before moto: lets a request in when AWS would, and mends what moto answers otherwise than AWS."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from werkzeug.wrappers import Response

from testbed.aws import answers, sessions, validity
from testbed.aws.calls import others, s3
from testbed.aws.calls.ask import Ask, UnknownCallError
from testbed.aws.calls.call import Call, received, rewritten
from testbed.aws.identity import Identity
from testbed.aws.judging import identity_of, judged, verdict
from testbed.aws.kept import identities
from testbed.aws.log import ActionLog
from testbed.aws.policy.request import PolicyError, Verdict
from testbed.aws.signature import SignatureError
from testbed.aws.webidentity import Issuers, TokenError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NOT_FOUND: Final = 404
_FAILURES: Final = 400
# moto's own interface, and the metadata of a machine that this is not.
_CLOSED: Final = ("/moto-api", "/latest/")


class Gate:
    """A WSGI application in front of moto's."""

    def __init__(self, moto: WSGIApplication) -> None:
        """Judge nothing until told to: there is no identity yet."""
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
                refused = sessions.refuse(call, self.issuers, now, self.log) if self.enforcing else None
                return refused or self._forward(environ)
            if not self.enforcing:
                return self._forward(environ)
            return self._judged(call, identity_of(call, now), environ, now)
        except (SignatureError, TokenError, validity.InvalidError) as error:
            return answers.refusal(call, error.code, str(error))
        except (PolicyError, UnknownCallError) as error:
            # Loudly, because it says nothing about AWS: the equipment has to learn it, or the policy has to change.
            print(f"AWS equipment: {call.method} {call.target}: {error}", file=sys.stderr, flush=True)
            return answers.refusal(call, "EquipmentFault", f"the AWS equipment of the tests: {error}")

    def _judged(self, call: Call, identity: Identity, environ: WSGIEnvironment, now: datetime) -> Response:
        found = judged(call, identity, now, self.log)
        denied = [one for one in found if one.verdict is not Verdict.ALLOW]
        alone = frozenset(one.ask.item for one in denied if one.ask.item)
        for one in denied:
            if not one.ask.item:
                message = f"{identity.arn} is not authorized to perform: {one.ask.action} ({one.verdict})"
                code = "UnauthorizedOperation" if call.service == "ec2" else "AccessDenied"
                return answers.refusal(call, code, message)
        if alone:
            left = answers.without_denied(call.body, alone)
            return answers.with_denied(self._forward(rewritten(environ, left)) if left else None, alone)
        answer = self._forward(environ)
        if answer.status_code == _NOT_FOUND and call.service == "s3" and self._hides(call, identity, now):
            return answers.refusal(call, "AccessDenied", "Access Denied")
        return answer

    def _hides(self, call: Call, identity: Identity, now: datetime) -> bool:
        """Say whether S3 keeps from the caller that there is no such object: who may not list may not know."""
        where = s3.place(call)
        arn = f"arn:aws:s3:::{where.bucket}"
        ask = Ask(action="s3:ListBucket", resource=arn, guard="bucket", guarded=where.bucket)
        reads = call.method in {"GET", "HEAD"} and bool(where.key)
        return reads and verdict(call, identity, ask, now) is not Verdict.ALLOW

    def _forward(self, environ: WSGIEnvironment) -> Response:
        call = received(environ, secure=False)
        if call.service == "iam" and others.operation(call) in sessions.BOUNDARIES:
            return sessions.bound(call)
        answer = Response.from_app(self._moto, environ)
        if call.service == "iam" and call.form.get("Action") == "CreateUser" and answer.status_code < _FAILURES:
            identities.bound_user(call.form["UserName"], call.form.get("PermissionsBoundary"))
        return answer
