"""Identity headers of requests: validation, and removal of credentials that the server does not need.

The login sets the identity headers, and the authorization plugin passes them to Kubernetes unchanged. Names that begin
with `system:` are reserved there: the group `system:masters` may do everything. Only Kubernetes assigns such names, so
a request in which an identity provider asserts one is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass

RESERVED = "system:"
SERVICE_ACCOUNT = "system:serviceaccount:"
USER = "x-forwarded-user"
EMAIL = "x-forwarded-email"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityHeaders:
    """Names of the headers that identify the caller, as configured for the authorization plugin."""

    user_header: str
    groups_header: str
    groups_separator: str
    authorizes_by_token: bool
    """True if the plugin sends access reviews with the caller's own token, which then has to stay in the request."""


def refusal(headers: Headers, expected: IdentityHeaders) -> str | None:
    """Reason why a request's identity is refused; None if it is valid, or if there is none."""
    named: dict[str, list[str]] = {USER: [], EMAIL: [], expected.user_header: [], expected.groups_header: []}
    for name, value in headers:
        if (key := name.decode("latin-1").lower()) in named:
            named[key].append(value.decode("latin-1").strip())
    for name, values in named.items():
        if len(values) > 1:
            # A layer that reads the first and one that reads the last would see different callers.
            return f"The request has {len(values)} headers {name}; the login sends one."
    first = {name: values[0] if values else "" for name, values in named.items()}
    user = first[expected.user_header]
    groups = [group.strip() for group in first[expected.groups_header].split(expected.groups_separator)]
    for group in groups:
        if group.startswith(RESERVED):
            return f"The group {group!r} is reserved for Kubernetes; an identity provider must not assign it."
    if user.startswith(RESERVED):
        # OAuth2-Proxy puts a service account's subject into both headers, and a person's e-mail into one.
        if not user.startswith(SERVICE_ACCOUNT) or first[USER] != first[EMAIL]:
            return f"The user name {user!r} is reserved for Kubernetes; an identity provider must not assign it."
        if any(groups):
            return f"The service account {user!r} comes with groups; its token has none."
    return None


def without_credentials(headers: Headers, expected: IdentityHeaders) -> list[tuple[bytes, bytes]]:
    """Drop the headers with which the caller could be impersonated.

    The cookie belongs to the login; nothing in the server sets or reads one.
    """
    dropped = {b"proxy-authorization", b"cookie"}
    if not expected.authorizes_by_token:
        dropped |= {b"authorization", b"x-forwarded-access-token"}
    return [(name, value) for name, value in headers if name.lower() not in dropped]
