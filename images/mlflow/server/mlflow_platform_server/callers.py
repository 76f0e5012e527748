"""The caller of a request, from the identity headers that the request guard has validated."""

from mlflow_platform_server.request_identity import Headers, IdentityHeaders
from mlflow_platform_server.scope import Caller

_BEARER = "bearer "


def of(headers: Headers, expected: IdentityHeaders) -> Caller | None:
    """The caller that the headers name; None if they name nobody.

    If access reviews are sent with the caller's own token, a request without one has no caller. A token is taken from
    where the authorization plugin takes it: `Authorization` first, then `X-Forwarded-Access-Token`.
    """
    named = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in headers}
    user = named.get(expected.user_header, "")
    groups = named.get(expected.groups_header, "").split(expected.groups_separator)
    present = tuple(group.strip() for group in groups if group.strip())
    if not expected.authorizes_by_token:
        return Caller(user=user, groups=present, claimed_groups=present) if user else None
    token = _bearer(named.get("authorization", "")) or _forwarded(named.get("x-forwarded-access-token", ""))
    return Caller(user=user, groups=present, claimed_groups=present, token=token) if token else None


def _bearer(value: str) -> str:
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else ""


def _forwarded(value: str) -> str:
    return _bearer(value) or value
