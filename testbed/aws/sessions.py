"""Sessions of roles, and permissions boundaries of users: what moto gives to everybody, or forgets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from werkzeug.wrappers import Response

from testbed.aws import answers, webidentity
from testbed.aws.calls import others
from testbed.aws.calls.call import Call
from testbed.aws.identity import ACCOUNT, REGION
from testbed.aws.kept import identities
from testbed.aws.log import ActionLog, Entry
from testbed.aws.policy.request import Verdict

BOUNDARIES: Final = frozenset({"PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"})
_PODS: Final = "pods.eks.amazonaws.com"


class SessionError(Exception):
    """A service of AWS may not assume a role."""


def is_web_identity(call: Call) -> bool:
    """Say whether a request is the one that needs no signature, because it has a token."""
    return call.service == "sts" and call.form.get("Action") == "AssumeRoleWithWebIdentity"


def refuse(call: Call, issuers: webidentity.Issuers, now: datetime, log: ActionLog) -> Response | None:
    """Refuse a token or a role; None when the session may be made."""
    if "Policy" in call.form:
        return answers.refusal(call, "EquipmentFault", "the AWS equipment of the tests has no session policies")
    asked = webidentity.request(call.form, issuers, now)
    found = webidentity.verdict(asked)
    caller, resource = asked.caller.federated, asked.resource or ""
    log.add(Entry(caller=caller, action=asked.action, resource=resource, verdict=found, secure=call.secure))
    if found is Verdict.ALLOW:
        return None
    return answers.refusal(call, "AccessDenied", f"Not authorized to perform {webidentity.ACTION}")


def pod_identity(role: str, cluster: str, namespace: str, account: str) -> Mapping[str, str]:
    """Do as the agent of EKS Pod Identity does: get a session of the role for a pod's service account."""
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html; a pod's name and uid are left out.
    tags = {
        "eks-cluster-arn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{cluster}",
        "eks-cluster-name": cluster,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": account,
    }
    for action in ("sts:AssumeRole", "sts:TagSession"):
        if webidentity.service_verdict(role, _PODS, action, tags) is not Verdict.ALLOW:
            raise SessionError(f"{_PODS} is not authorized to perform {action} on {role}")
    session = identities.assume(role, f"eks-{cluster}-{account}", tags)
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": session.expiration.isoformat(),
    }


def bound(call: Call) -> Response:
    """Answer for moto, which does not know the boundaries of users."""
    operation = others.operation(call)
    given = call.form.get("PermissionsBoundary") if operation == "PutUserPermissionsBoundary" else None
    identities.bound_user(call.form["UserName"], given)
    metadata = "<ResponseMetadata><RequestId>equipment</RequestId></ResponseMetadata>"
    return Response(f"<{operation}Response>{metadata}</{operation}Response>", content_type="text/xml")
