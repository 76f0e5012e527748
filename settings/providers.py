"""Defaults of the section `login` for each product that `login.provider` can name.

Each row says which scopes and claims a provider knows, from the provider's own documentation. A request for any other
scope fails with `invalid_scope`.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from settings.types import kinds
from settings.types.addresses import issuer as wrong_issuer
from settings.types.values import PLACEHOLDER

ProviderName = Literal["keycloak", "entra", "okta", "auth0", "cognito", "google", "dex"]
NAMES: tuple[ProviderName, ...] = get_args(ProviderName)
# Other names of providers.
ALIASES = {
    "aad": "entra",
    "amazon": "cognito",
    "aws": "cognito",
    "azure": "entra",
    "azuread": "entra",
    "microsoft": "entra",
}
SECTION = "login"
# The kind of `login` that has these keys.
KIND = "oidc"
KEYS = ("scopes", "offlineAccess", "groupsClaim", "userClaim", "logoutUrl")
STANDARD = ("openid", "profile", "email")
Value = str | bool | list[str]


def _remedy(text: str) -> str | None:
    if text in NAMES:
        return None
    if text.lower() == "github":
        return (
            "GitHub is not an OpenID Connect provider and issues no ID tokens: put Dex with its GitHub connector in"
            " front of it, and write `dex` (docs/login.md)"
        )
    near = [ALIASES[text.lower()]] if text.lower() in ALIASES else difflib.get_close_matches(text.lower(), NAMES, n=1)
    return f"did you mean `{near[0]}`?" if near else "leave it out, and set scopes and claims (docs/login.md)"


PROVIDER = kinds.text(" or ".join(f"`{name}`" for name in NAMES), _remedy)


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """Scopes, claims and addresses of a provider."""

    scopes: tuple[str, ...] = STANDARD
    offline_access: bool
    """True if the provider gives a refresh token only with the scope `offline_access`."""

    groups_claim: str | None = "groups"
    """Claim with groups; None if the provider defines none, so that the stack file must name one."""

    user_claim: str = "email"
    logout: str | None = None
    """Path after the issuer's URL of the endpoint that ends a session without a browser; None if there is none."""

    hosts: str = ""
    """Pattern of the issuers' host names; empty if each company chooses its own."""

    source: str
    """URL of the provider's documentation of these values."""


PROVIDERS: Mapping[ProviderName, Provider] = MappingProxyType(
    {
        "keycloak": Provider(
            # The scope `groups` has to be created, as docs/keycloak.md says.
            scopes=(*STANDARD, "groups"),
            # Keycloak always gives a refresh token. With the scope it keeps a session that outlives the sign-out.
            offline_access=False,
            logout=f"/protocol/openid-connect/logout?id_token_hint={PLACEHOLDER}",
            source="https://www.keycloak.org/securing-apps/oidc-layers",
        ),
        "entra": Provider(
            offline_access=True,
            # `email` is only in tokens of accounts with a mailbox or an address of their own.
            user_claim="preferred_username",
            hosts=r"login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn)",
            source="https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference",
        ),
        # An authorization server of one's own has no scope `groups`; that of the organization has (`_okta`).
        "okta": Provider(
            offline_access=True,
            hosts=r".+\.okta(?:preview|-emea)?\.com",
            source="https://developer.okta.com/docs/api/oauth2",
        ),
        # Its Actions cannot set the claims `groups` and `roles`, only those of a namespace.
        "auth0": Provider(
            offline_access=True,
            groups_claim=None,
            hosts=r".+\.auth0\.com",
            source="https://auth0.com/docs/secure/tokens/json-web-tokens/create-custom-claims",
        ),
        # It gives a refresh token to every client with the flow for codes.
        "cognito": Provider(
            offline_access=False,
            groups_claim="cognito:groups",
            hosts=r"cognito-idp\..+\.amazonaws\.com(?:\.cn)?",
            source="https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html",
        ),
        "google": Provider(
            offline_access=False,
            groups_claim=None,
            hosts=r"accounts\.google\.com",
            source="https://developers.google.com/identity/openid-connect/reference",
        ),
        "dex": Provider(
            scopes=(*STANDARD, "groups"),
            offline_access=True,
            source="https://dexidp.io/docs/configuration/custom-scopes-claims-clients/",
        ),
    }
)


def at(issuer: str) -> ProviderName | None:
    """The provider that the issuer's host name belongs to; None if the host name matches no provider's pattern."""
    host = urlsplit(issuer).hostname or ""
    return next((name for name, one in PROVIDERS.items() if re.fullmatch(one.hosts, host)), None)


def defaults(document: Mapping[str, object]) -> dict[str, Value]:
    """Values of keys of `login` for the provider in a stack file; empty if it names none."""
    section = document.get(SECTION)
    login = cast("Mapping[str, object]", section) if isinstance(section, Mapping) else dict[str, object]()
    provider = PROVIDERS.get(cast("ProviderName", login.get("provider"))) if _names(login) else None
    if provider is None:
        return {}
    issuer = login.get("issuer")
    url = issuer if isinstance(issuer, str) and wrong_issuer(issuer) is None else None
    values: dict[str, Value] = {
        "scopes": [*provider.scopes, *_okta(login.get("provider"), url)],
        "offlineAccess": provider.offline_access,
        "userClaim": provider.user_claim,
    }
    if provider.groups_claim is not None:
        values["groupsClaim"] = provider.groups_claim
    if provider.logout is not None and url is not None:
        values["logoutUrl"] = url.rstrip("/") + provider.logout
    return values


def _names(login: Mapping[str, object]) -> bool:
    """True if the section `login` names a provider and has kind `oidc`, the only kind with a provider."""
    return login.get("kind") == KIND and isinstance(login.get("provider"), str)


def _okta(provider: object, issuer: str | None) -> list[str]:
    """The scope `groups` for Okta's org authorization server, whose URL has no path; empty for any other issuer."""
    return ["groups"] if provider == "okta" and issuer is not None and not urlsplit(issuer).path.strip("/") else []
