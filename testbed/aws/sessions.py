"""Checks before a role session is created, and storage of users' permissions boundaries; moto lacks both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from werkzeug.wrappers import Response

from testbed.aws import refusals, web_identity
from testbed.aws.calls import others
from testbed.aws.calls.call import Call
from testbed.aws.log import ActionLog, Entry
from testbed.aws.moto_state import iam
from testbed.aws.policy.request import Verdict
from testbed.aws.principals import ACCOUNT, REGION

BOUNDARIES: Final = frozenset({"PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"})
_PODS: Final = "pods.eks.amazonaws.com"


class SessionError(Exception):
    """An AWS service is not authorized to assume a role."""


def is_web_identity(call: Call) -> bool:
    """True for AssumeRoleWithWebIdentity, which carries a token in place of a signature."""
    return call.service == "sts" and call.form.get("Action") == "AssumeRoleWithWebIdentity"


def refuse(call: Call, issuers: web_identity.Issuers, log: ActionLog) -> Response | None:
    """Return the error response if the role's trust policy denies a session for the token; None if it allows one.

    A call with a session policy is always refused.

    Raises:
        RefusedError: the token is invalid.
    """
    if "Policy" in call.form:
        return refusals.refusal(call, refusals.FAULT, "the AWS stand-in of the tests does not support session policies")
    asked = web_identity.request(call.form, issuers)
    found = web_identity.verdict(asked)
    caller, resource = asked.caller.federated, asked.resource or ""
    log.add(Entry(caller=caller, action=asked.action, resource=resource, verdict=found, secure=call.secure))
    if found is Verdict.ALLOW:
        return None
    return refusals.refusal(call, "AccessDenied", f"Not authorized to perform {web_identity.ACTION}")


def pod_identity(role: str, cluster: str, namespace: str, account: str) -> Mapping[str, str]:
    """Create a session for a pod's service account, as the EKS Pod Identity Agent does."""
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html, without the tags for the pod's name and uid.
    tags = {
        "eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{cluster}",
        "eks-cluster-name": cluster,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": account,
    }
    for action in ("sts:AssumeRole", "sts:TagSession"):
        if web_identity.service_verdict(role, _PODS, action, tags) is not Verdict.ALLOW:
            raise SessionError(f"{_PODS} is not authorized to perform {action} on {role}")
    session = iam.assume_role(role, f"eks-{cluster}-{account}", tags)
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": session.expiration.isoformat(),
    }


def set_boundary(call: Call) -> Response:
    """Set or delete a user's permissions boundary, and answer the call in place of moto."""
    operation = others.operation(call)
    boundary = call.form.get("PermissionsBoundary") if operation == "PutUserPermissionsBoundary" else None
    iam.set_user_boundary(call.form["UserName"], boundary)
    metadata = "<ResponseMetadata><RequestId>stand-in</RequestId></ResponseMetadata>"
    return Response(f"<{operation}Response>{metadata}</{operation}Response>", content_type="text/xml")
