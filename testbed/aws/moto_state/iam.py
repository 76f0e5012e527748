"""Users, roles and sessions in moto's state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from moto.core.utils import utcnow
from moto.iam.models import Group, IAMBackend, Role, User, iam_backends
from moto.sts.models import AssumedRole, sts_backends

from testbed.aws.principals import ACCOUNT, AccessKey, Principal

_TAG: Final = "aws:principaltag/"


def backend() -> IAMBackend:
    """Return moto's IAM backend."""
    return iam_backends[ACCOUNT]["aws"]


def administrator(name: str) -> tuple[str, str]:
    """Create a user with all permissions, and return the id and the secret of its access key."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    backend().create_user("aws", name, "/", [])
    backend().put_user_policy(name, "everything", json.dumps(policy))
    key = backend().create_access_key(name, "AKIA")
    return key.access_key_id, key.secret_access_key


def access_key(key_id: str) -> AccessKey | None:
    """Return the access key with this id, and its user or session; None if the key does not exist."""
    for user in backend().list_users("/", None, None):
        for key in user.access_keys:
            if key.access_key_id == key_id:
                fault = "" if key.status == "Active" else "the access key is inactive"
                return AccessKey(principal=_user(user), secret=key.secret_access_key, fault=fault)
    for session in sts_backends[ACCOUNT]["aws"].assumed_roles:
        if session.access_key_id == key_id:
            fault = "" if session.expiration > utcnow() else "the session has expired"
            secret, token = session.secret_access_key, session.session_token
            return AccessKey(principal=_session(session), secret=secret, token=token, fault=fault)
    return None


def _user(user: User) -> Principal:
    groups = backend().get_groups_for_user(user.name)
    policies = [text for holder in (user, *groups) for text in _policies(holder)]
    keys = {"aws:username": user.name, "aws:userid": user.id, "aws:principaltype": "User"}
    arn = user.arn
    boundary = getattr(user, "permissions_boundary_arn", None)
    return Principal(
        arn=arn,
        names=(arn,),
        keys={**keys, **_principal(arn), **_tags(user.tags or [])},
        policies=policies,
        boundary=_managed(boundary) if boundary else None,
    )


def _session(session: AssumedRole) -> Principal:
    role = backend().get_role_by_arn(session.role_arn)
    keys = {"aws:userid": session.user_id, "aws:principaltype": "AssumedRole"}
    # Session tags override the role's own.
    tags = {**_tags(role.tags or ()), **getattr(session, "session_tags", {})}
    boundary = role.permissions_boundary_arn
    return Principal(
        arn=session.arn,
        names=(session.arn, role.arn),
        keys={**keys, **_principal(role.arn), **tags},
        policies=_policies(role),
        boundary=_managed(boundary) if boundary else None,
    )


def _principal(arn: str) -> dict[str, str]:
    return {"aws:principalarn": arn, "aws:principalaccount": ACCOUNT}


def _tags(tags: Iterable[Any]) -> dict[str, str]:
    return {f"{_TAG}{tag['Key']}".lower(): str(tag["Value"]) for tag in tags}


def _policies(holder: User | Role | Group) -> list[str]:
    return [*holder.policies.values(), *map(_managed, holder.managed_policies)]


def _managed(arn: str) -> str:
    policy: Any = backend().get_policy(arn)
    return str(next(version.document for version in policy.versions if version.is_default))


def set_user_boundary(name: str, boundary: str | None) -> None:
    """Store a user's permissions boundary in moto's user object, because moto itself does not store it."""
    user: Any = backend().get_user(name)
    user.permissions_boundary_arn = boundary


def trust(role_arn: str) -> str | None:
    """Return the trust policy of a role; None if there is no such role."""
    found = [role for role in backend().get_roles() if role.arn == role_arn]
    return found[0].assume_role_policy_document if found else None


def identity_provider(issuer: str) -> tuple[str, list[str]] | None:
    """Return ARN and audiences of the identity provider for an issuer (URL without `https://`); None if none exists."""
    for provider in backend().open_id_providers.values():
        if provider.url.rstrip("/") == issuer:
            return provider.arn, list(provider.client_id_list or [])
    return None


def inline_policies(user: str) -> dict[str, str]:
    """Return a user's inline policies by name."""
    found = [one for one in backend().list_users("/", None, None) if one.name == user]
    return found[0].policies if found else {}


def exists(arn: str) -> bool:
    """True if a user or a role with this ARN exists."""
    return any(one.arn == arn for one in (*backend().list_users("/", None, None), *backend().get_roles()))


def assume_role(role: str, session: str, tags: Mapping[str, str]) -> AssumedRole:
    """Create a session of a role, with session tags."""
    made = sts_backends[ACCOUNT]["aws"].assume_role("us-east-1", session, role, "", 3600, "")
    made.session_tags = {f"{_TAG}{name}".lower(): value for name, value in tags.items()}  # pyright: ignore[reportAttributeAccessIssue] - kept with moto's own object
    return made
