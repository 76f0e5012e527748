"""Identity headers of requests: validation, and removal of credentials that the server does not need.

OAuth2-Proxy sets the identity headers, and the authorization plugin passes them to Kubernetes. Names that begin with
`system:` are reserved for Kubernetes, where the group `system:masters` may do everything. So a request in which an
identity provider asserts such a name is refused. Only the groups that count for access (`known_identities`) reach the
plugin.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mlflow_platform_server.known_identities import SERVICE_ACCOUNT, KnownIdentities
from mlflow_platform_server.scope import Caller

RESERVED = "system:"
AUTHORIZATION = "authorization"
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Identified:
    """The caller that a request's headers name, or the reason to refuse the request."""

    caller: Caller | None
    """None if the headers name nobody."""

    refusal: str | None = None
    """Reason why the identity is refused; None if it is valid, or if there is none. After a refusal `caller` is for the
    audit log only, and has no groups that count."""


def identify(headers: Headers, expected: IdentityHeaders, known: KnownIdentities) -> Identified:
    """The caller of a request, as the login asserts it."""
    headers = list(headers)
    named: dict[str, list[bytes]] = {USER: [], EMAIL: [], expected.user_header: [], expected.groups_header: []}
    if expected.authorizes_by_token:
        named[AUTHORIZATION] = []
    for name, value in headers:
        if (key := name.decode("latin-1").lower()) in named:
            named[key].append(value)
    first = dict[str, str]()
    for name, values in named.items():
        if len(values) > 1:
            # A layer that reads the first and one that reads the last would see different callers.
            reason = f"The request has {len(values)} headers {name}, expected one. Only the login may send it."
            return Identified(caller=_asserted(named[expected.user_header]), refusal=reason)
        try:
            first[name] = values[0].decode("utf-8").strip() if values else ""
        except UnicodeDecodeError:
            reason = f"The header {name} is not encoded in UTF-8."
            return Identified(caller=_asserted(named[expected.user_header]), refusal=reason)
    user = first[expected.user_header]
    groups = tuple(
        group for part in first[expected.groups_header].split(expected.groups_separator) if (group := part.strip())
    )
    reason = _refusal(user, groups, same=first[USER] == first[EMAIL])
    if not user:
        return Identified(caller=None, refusal=reason)
    if reason is not None:
        return Identified(caller=Caller(user=user, claimed_groups=groups), refusal=reason)
    by_token = expected.authorizes_by_token
    return Identified(
        caller=Caller(
            user=user,
            # With a token Kubernetes itself reads the groups.
            groups=groups if by_token else known.counting(groups),
            claimed_groups=groups,
            token=_token(headers) if by_token else None,
        )
    )


def _asserted(values: list[bytes]) -> Caller | None:
    """The caller of a request that is refused, for the audit log; None if the headers name no user, or several."""
    try:
        (user,) = {value.decode("utf-8").strip() for value in values}
    except ValueError:
        return None
    return Caller(user=user) if user else None


def _refusal(user: str, groups: tuple[str, ...], *, same: bool) -> str | None:
    for group in groups:
        if group.startswith(RESERVED):
            return f"The group {group!r} is reserved for Kubernetes; an identity provider must not assign it."
    if not user.isprintable():
        return f"The user name {user!r} contains invisible characters. Change it at the identity provider."
    if user.startswith(RESERVED):
        # OAuth2-Proxy puts a service account's subject into both headers, and a person's e-mail into one.
        if not user.startswith(SERVICE_ACCOUNT) or not same:
            return f"The user name {user!r} is reserved for Kubernetes; an identity provider must not assign it."
        if groups:
            return f"The request has groups for the service account {user!r}, expected none: its token has none."
    return None


def _token(headers: Headers) -> str | None:
    for name, value in headers:
        if name.lower() == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token if scheme.lower() == "bearer" and token else None
    return None


def passed_on(headers: Headers, expected: IdentityHeaders, caller: Caller | None) -> list[tuple[bytes, bytes]]:
    """The headers for MLflow and its plugin: no credentials, and of the caller's groups those that count.

    The cookie belongs to the login; nothing in the server sets or reads one. A token, if the plugin needs it, comes in
    one header only.
    """
    user_header, groups_header = expected.user_header.encode(), expected.groups_header.encode()
    dropped = {b"proxy-authorization", b"cookie", b"x-forwarded-access-token", user_header, groups_header}
    if not expected.authorizes_by_token:
        dropped.add(b"authorization")
    kept = [(name, value) for name, value in headers if name.lower() not in dropped]
    if caller is not None:
        kept.append((user_header, caller.user.encode()))
        if caller.groups:
            kept.append((groups_header, expected.groups_separator.join(caller.groups).encode()))
    return kept
