"""Settings of the login that do not suit the identity provider: scopes, claims, issuer."""

from tests.settings.cases import OIDC, Case

ENCRYPTED = ("loginClientSecret",)
ENTRA = "https://login.microsoftonline.com"
GOOGLE: dict[str, object] = {**OIDC, "issuer": "https://accounts.google.com", "provider": "google"}


def entra(tenant: str) -> Case:
    """An issuer that no token of Entra contains."""
    return Case(
        {"login": {**OIDC, "provider": "entra", "issuer": f"{ENTRA}/{tenant}"}},
        "login.issuer",
        "expected https://login.microsoftonline.com/<tenant ID>/v2.0",
        "write the ID of your tenant, a UUID, instead of its name or `common`, and /v2.0 at the end",
        encrypted=ENCRYPTED,
    )


CASES = {
    "GitHub, which is no OpenID Connect provider": Case(
        {"login": {**OIDC, "provider": "github"}},
        "login.provider",
        "expected `keycloak` or `entra`",
        "put Dex with its GitHub connector in front of it, and write `dex`",
        encrypted=ENCRYPTED,
    ),
    "an older name of a provider": Case(
        {"login": {**OIDC, "provider": "azure"}},
        "login.provider",
        "expected `keycloak` or `entra`",
        "did you mean `entra`?",
        encrypted=ENCRYPTED,
    ),
    "a misspelt provider": Case(
        {"login": {**OIDC, "provider": "keyclock"}},
        "login.provider",
        "expected `keycloak` or `entra`",
        "did you mean `keycloak`?",
        encrypted=ENCRYPTED,
    ),
    "a provider without a row of its own": Case(
        {"login": {**OIDC, "provider": "pingfederate"}},
        "login.provider",
        "expected `keycloak` or `entra`",
        "leave it out, and set scopes and claims",
        encrypted=ENCRYPTED,
    ),
    "Google, which tells nobody's groups": Case(
        {"login": GOOGLE},
        "login.groupsClaim",
        "Google's tokens have no groups, and access depends on groups",
        "write `hd`",
        encrypted=ENCRYPTED,
    ),
    "Auth0 without the claim of an Action": Case(
        {"login": {**OIDC, "issuer": "https://company.eu.auth0.com/", "provider": "auth0"}},
        "login.groupsClaim",
        "under a claim with a namespace",
        "write the claim of your Action",
        encrypted=ENCRYPTED,
    ),
    "Auth0's issuer without its slash": Case(
        {
            "login": {
                **OIDC,
                "issuer": "https://company.eu.auth0.com",
                "provider": "auth0",
                "groupsClaim": "https://company.example.com/groups",
            }
        },
        "login.issuer",
        "expected a slash at the end, as in Auth0's tokens",
        "write https://company.eu.auth0.com/",
        encrypted=ENCRYPTED,
    ),
    "Entra's issuer for everybody": entra("common/v2.0"),
    "Entra's issuer with a tenant's name": entra("company.onmicrosoft.com/v2.0"),
    "Entra's issuer of version 1": entra("11111111-2222-3333-4444-555555555555/"),
    "no ID token": Case(
        {"login": {**OIDC, "scopes": ["profile", "email"]}},
        "login.scopes",
        "does not contain `openid`",
        "add it",
        encrypted=ENCRYPTED,
    ),
    "one scope in two settings": Case(
        {"login": {**OIDC, "scopes": ["openid", "offline_access"]}},
        "login.scopes",
        "contains `offline_access`, which only login.offlineAccess may add",
        "remove it, and set login.offlineAccess",
        encrypted=ENCRYPTED,
    ),
    "scopes in one text": Case(
        {"login": {**OIDC, "scopes": ["openid profile"]}},
        "login.scopes[0]",
        "expected a scope like openid",
        "write one scope in each line",
        encrypted=ENCRYPTED,
    ),
    "a claim with a space": Case(
        {"login": {**OIDC, "groupsClaim": "the groups"}},
        "login.groupsClaim",
        "expected the name of a claim",
        "write the claim's name as in an ID token",
        encrypted=ENCRYPTED,
    ),
    "the ID of an account as the name of a person": Case(
        {"login": {**OIDC, "userClaim": "sub"}},
        "login.userClaim",
        "could take the ID of a service account",
        "use `email` or `preferred_username`",
        encrypted=ENCRYPTED,
    ),
    "a claim that people choose, where RoleBindings to names count": Case(
        {"login": {**OIDC, "userClaim": "nickname"}, "access": {"aggregateRoles": True}},
        "login.userClaim",
        "may be a name that users can choose",
        "remove this setting or access.aggregateRoles",
        encrypted=ENCRYPTED,
    ),
    "names that people choose, where RoleBindings to names count": Case(
        {"login": {**OIDC, "requireVerifiedEmail": False}, "access": {"aggregateRoles": True}},
        "login.requireVerifiedEmail",
        "`false` lets users sign in with somebody else's e-mail address",
        "remove this setting or access.aggregateRoles",
        encrypted=ENCRYPTED,
    ),
}
