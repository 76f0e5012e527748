"""`login.provider` sets the defaults of scopes, claims and log-out, and overrides no value of the stack file."""

import re
import unicodedata
from typing import Any

import pytest
import yaml

from settings import Settings, outline, profiles, providers
from settings.providers import NAMES, PROVIDERS, ProviderName
from settings.schema.login import OidcLogin
from tests.settings.cases import OIDC
from tests.settings.stack_files import ROOT, Document, changed, validated

ISSUERS = {
    "keycloak": "https://login.example.com/realms/company",
    "entra": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
    "okta": "https://company.okta.com/oauth2/default",
    "auth0": "https://company.eu.auth0.com/",
    "cognito": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf",
    "google": "https://accounts.google.com",
    "dex": "https://dex.example.com",
}
PAGE = (ROOT / "docs" / "login.md").read_text(encoding="utf-8")
STANDARD = ("openid", "profile", "email")


def document(provider: str | None, **more: object) -> Document:
    """A stack file with a provider and its usual issuer."""
    named = {} if provider is None else {"provider": provider, "issuer": ISSUERS[provider]}
    return changed("dev", {"login": {**OIDC, **named, **more}})


def login(provider: str | None, **more: object) -> OidcLogin:
    settings = validated(document(provider, **more)).settings
    assert isinstance(settings, Settings)
    assert isinstance(settings.login, OidcLogin)
    return settings.login


def asked(provider: str | None, **more: object) -> tuple[tuple[str, ...], bool]:
    got = login(provider, **more)
    return got.scopes, got.offline_access


def test_without_a_provider_the_login_is_as_it_was() -> None:
    got = login(None)
    assert (got.scopes, got.offline_access) == ((*STANDARD, "groups"), True)
    assert (got.groups_claim, got.user_claim, got.require_verified_email) == ("groups", "email", True)
    assert got.logout_url is None


@pytest.mark.parametrize(
    ("provider", "scopes", "offline"),
    [
        ("keycloak", (*STANDARD, "groups"), False),
        ("entra", STANDARD, True),
        ("okta", STANDARD, True),
        ("auth0", STANDARD, True),
        ("cognito", STANDARD, False),
        ("google", STANDARD, False),
        ("dex", (*STANDARD, "groups"), True),
    ],
)
def test_a_provider_is_asked_for_scopes_that_it_knows(provider: str, scopes: tuple[str, ...], *, offline: bool) -> None:
    assert asked(provider) == (scopes, offline)


def test_only_the_authorization_server_of_the_organization_at_okta_has_the_scope_groups() -> None:
    assert login("okta", issuer="https://company.okta.com").scopes == (*STANDARD, "groups")
    assert login("okta", issuer="https://company.okta.com/oauth2/aus1").scopes == STANDARD


def test_groups_and_names_are_in_the_providers_claims() -> None:
    assert login("cognito").groups_claim == "cognito:groups"
    assert login("entra").user_claim == "preferred_username"
    assert login("keycloak").user_claim == "email"


def test_a_session_at_keycloak_is_ended_below_its_issuer() -> None:
    url = "https://login.example.com/realms/company/protocol/openid-connect/logout?id_token_hint={id_token}"
    assert login("keycloak").logout_url == url
    assert [name for name in NAMES if name != "keycloak" and login(name).logout_url] == []


@pytest.mark.parametrize("provider", NAMES)
def test_what_the_stack_file_sets_goes_before_the_provider(provider: ProviderName) -> None:
    own: dict[str, Any] = {
        "scopes": ["openid", "team"],
        "groupsClaim": "roles",
        "userClaim": "upn",
        "offlineAccess": not PROVIDERS[provider].offline_access,
        "logoutUrl": "https://login.example.com/out",
    }
    got = login(provider, **own).model_dump(mode="json", by_alias=True)
    assert {name: got[name] for name in own} == own


def test_each_value_says_that_it_comes_from_the_provider() -> None:
    written = document("cognito", scopes=["openid"])
    origins = {name: profiles.origin(written, ["login", name]) for name in providers.KEYS}
    assert origins == {
        "scopes": "stack file",
        "offlineAccess": "login.provider cognito",
        "groupsClaim": "login.provider cognito",
        "userClaim": "login.provider cognito",
        "logoutUrl": "default",
    }


def test_the_keys_that_a_provider_sets_are_settings_of_the_login() -> None:
    known = {key.path for key in outline.keys(Settings) if key.choice == providers.KIND}
    assert {f"{providers.SECTION}.{name}" for name in providers.KEYS} <= known
    assert set(providers.defaults(document("keycloak"))) == set(providers.KEYS)


@pytest.mark.parametrize(
    "section", ["x", {"kind": "basic", "provider": "okta"}, {"kind": "oidc", "provider": ["okta"]}]
)
def test_what_names_no_provider_sets_nothing(section: object) -> None:
    assert providers.defaults({"login": section}) == {}


def test_a_wrong_issuer_gives_no_address_to_sign_out() -> None:
    assert "logoutUrl" not in providers.defaults(document("keycloak", issuer="http://login.example.com"))


@pytest.mark.parametrize("provider", [name for name in NAMES if PROVIDERS[name].hosts])
def test_a_providers_own_issuer_without_its_name_is_a_warning(provider: str) -> None:
    unnamed = changed("dev", {"login": {**OIDC, "issuer": ISSUERS[provider]}})
    (warning,) = validated(unnamed).warnings
    assert (warning.path, f"add login.provider `{provider}`" in warning.remedy) == ("login.issuer", True)
    chosen = changed("dev", {"login": {**OIDC, "issuer": ISSUERS[provider], "scopes": ["openid"]}})
    assert validated(chosen).warnings == []


def test_a_check_of_e_mail_addresses_that_does_not_happen_is_a_warning() -> None:
    (warning,) = validated(document("entra", requireVerifiedEmail=True)).warnings
    assert warning.path == "login.requireVerifiedEmail"
    assert 'login.userClaim is "preferred_username" (login.provider entra)' in warning.problem


@pytest.mark.parametrize("group", ["équipe-données", "研究", "Forschung München"])
def test_groups_may_have_any_letters(group: str) -> None:
    got = validated(changed("dev", {"teams/team-a": {"groups": {"viewer": [group]}}, "login": OIDC}))
    assert (got.mistakes, got.warnings) == ([], [])


def test_letters_of_several_characters_are_a_warning_because_another_name_looks_the_same() -> None:
    group = unicodedata.normalize("NFD", "équipe")
    got = validated(changed("dev", {"teams/team-a": {"groups": {"viewer": ["a", group]}}, "login": OIDC}))
    (warning,) = got.warnings
    assert warning.path == "teams.team-a.groups.viewer[1]"
    assert '"équipe"' in warning.remedy


def rows() -> dict[str, list[str]]:
    """The table of docs/login.md, by provider."""
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.partition("## Identity providers")[2], re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


@pytest.mark.parametrize("provider", NAMES)
def test_the_page_has_each_providers_values(provider: ProviderName) -> None:
    got = login(provider)
    claim = PROVIDERS[provider].groups_claim
    scopes, groups, user, logout, *_ = rows()[provider]
    assert scopes == f"`{' '.join([*got.scopes, *(['offline_access'] if got.offline_access else [])])}`"
    assert groups.startswith("set it" if claim is None else f"`{claim}`")
    assert user == f"`{got.user_claim}`"
    assert logout == ("yes" if got.logout_url else "-")


def test_the_pages_lines_for_a_stack_file_are_right_for_each_provider() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.partition("## Identity providers")[2], re.DOTALL)
    found = [yaml.safe_load(block)["config"] for block in blocks]
    assert {one["mlflow-platform:login"]["provider"] for one in found} == {*NAMES}
    for one in found:
        sections = {key.partition(":")[2]: value for key, value in one.items()}
        got = validated(changed("dev", sections))
        assert (got.mistakes, got.warnings) == ([], []), sections
