"""Whose word the server takes for who is there, and what it need not know of a caller.

The login sets the identity headers, the authorisation plugin hands them to Kubernetes as they are. Names that begin
with `system:` mean something there: the group `system:masters` may do everything. Kubernetes alone gives such names,
so an identity provider that asserts one is not believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

RESERVED = "system:"
SERVICE_ACCOUNT = "system:serviceaccount:"
USER = "x-forwarded-user"
EMAIL = "x-forwarded-email"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Convention:
    """Which headers name the caller: what the authorisation plugin was told."""

    user_header: str
    groups_header: str
    groups_separator: str
    judged_by_token: bool
    """Whether the plugin asks Kubernetes with the caller's own token, which the server then has to see."""


def refusal(headers: Headers, convention: Convention) -> str | None:
    """Why a request's identity is not believed; None if it is, or if there is none."""
    named: dict[str, list[str]] = {USER: [], EMAIL: [], convention.user_header: [], convention.groups_header: []}
    for name, value in headers:
        if (key := name.decode("latin-1").lower()) in named:
            named[key].append(value.decode("latin-1").strip())
    for name, values in named.items():
        if len(values) > 1:
            # Whoever reads the first and whoever reads the last would see two different callers.
            return f"The request has {len(values)} headers {name}; the login sends one."
    first = {name: values[0] if values else "" for name, values in named.items()}
    user = first[convention.user_header]
    groups = [group.strip() for group in first[convention.groups_header].split(convention.groups_separator)]
    for group in groups:
        if group.startswith(RESERVED):
            return f"The group {group!r} is Kubernetes' own; an identity provider must not put anybody into it."
    if user.startswith(RESERVED):
        # OAuth2-Proxy presents a service account's subject under both names, and a person's e-mail under one.
        if not user.startswith(SERVICE_ACCOUNT) or first[USER] != first[EMAIL]:
            return f"The user name {user!r} is Kubernetes' own; an identity provider must not give it to anybody."
        if any(groups):
            return f"The service account {user!r} comes with groups; its token has none."
    return None


def without_credentials(headers: Headers, convention: Convention) -> list[tuple[bytes, bytes]]:
    """The headers without what the caller could be impersonated with, of which the server needs nothing.

    The cookie is the login's: nothing in the server sets or reads one.
    """
    dropped = {b"proxy-authorization", b"cookie"}
    if not convention.judged_by_token:
        dropped |= {b"authorization", b"x-forwarded-access-token"}
    return [(name, value) for name, value in headers if name.lower() not in dropped]
