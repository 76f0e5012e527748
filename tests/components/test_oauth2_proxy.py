import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components.exposure.gateway import Address
from components.kubernetes.credential import ExistingSecret
from components.login.command_line import LoginArgs, verifying
from components.login.files import FailurePage, login_secrets
from components.login.identity_provider import Oidc
from components.login.issuers import IN_CLUSTER_ISSUER
from components.login.oauth2_proxy import Login
from components.login.sign_in import PasswordSignIn, ProviderSignIn, SignIn
from tests.cloud import autoname
from tests.components.parts import ADDRESS, AUTHORITY, BOUNDS, NAMESPACE, oidc
from tests.harness import Recording, deploy


def at_provider(*, refresh_minutes: int = 15, logout_url: str | None = None) -> SignIn:
    return ProviderSignIn(refresh_minutes=refresh_minutes, logout_url=logout_url)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Input of a login, as plain values."""

    address: Address = ADDRESS
    audiences: tuple[str, ...] = ()
    authority: str | None = None
    issuer: str = IN_CLUSTER_ISSUER
    service_account_audiences: tuple[str, ...] = ("mlflow",)
    session_hours: int = 12
    sign_in: Callable[[], SignIn] = at_provider
    """Called inside the program, because a password is an output."""

    pass_token: bool = False
    offline_access: bool = True
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of `Oidc` about scopes and claims."""

    company_authorities: str | None = None
    api_server_issuer: bool = False
    failure_page: FailurePage | None = None


def login(choices: Choices | None = None) -> Recording:
    """A login as a sidecar in a pod."""
    chosen = choices or Choices()

    def program() -> dict[str, object]:
        args = LoginArgs(
            namespace=NAMESPACE,
            image="oauth2-proxy:v7.15.6",
            front_image="haproxy:3.0",
            bounds=BOUNDS,
            address=chosen.address,
            oidc=dataclasses.replace(oidc(chosen.audiences), offline_access=chosen.offline_access, **chosen.claims),
            authority=None if chosen.authority is None else pulumi.Output.from_input(chosen.authority),
            service_account_issuer=chosen.issuer,
            service_account_audiences=chosen.service_account_audiences,
            session_hours=chosen.session_hours,
            sign_in=chosen.sign_in(),
            pass_token=chosen.pass_token,
            company_authorities=chosen.company_authorities,
            api_server_issuer=chosen.api_server_issuer,
            failure_page=chosen.failure_page,
        )
        component = Login("login", args)
        spec = k8s.core.v1.PodSpecArgs(
            init_containers=component.sidecars.init_containers, containers=[], volumes=component.sidecars.volumes
        )
        k8s.core.v1.Pod("pod", spec=spec)
        return {"ports": [port for flow in component.way.flows for port in flow.ports]}

    return deploy(program)


def sidecar(got: Recording) -> dict[str, Any]:
    first, second = got["pod"].inputs["spec"]["initContainers"]
    assert first["name"] == "haproxy"
    return second


def line(choices: Choices | None = None) -> list[str]:
    return sidecar(login(choices))["args"]


def value(option: str, words: list[str]) -> list[str]:
    return [word.partition("=")[2] for word in words if word.partition("=")[0] == option]


def test_it_listens_on_loopback_behind_haproxy_and_forwards_to_loopback() -> None:
    assert value("--http-address", line()) == ["127.0.0.1:4182"]
    assert value("--upstream", line()) == ["http://127.0.0.1:5000"]


def test_a_session_of_the_identity_provider_that_outlives_the_sign_out_is_asked_for_by_choice() -> None:
    assert value("--scope", line()) == ["openid profile email groups offline_access"]
    assert value("--scope", line(Choices(offline_access=False))) == ["openid profile email groups"]


def test_only_the_scopes_that_the_provider_knows_are_asked_for() -> None:
    entra = Choices(claims={"scopes": ("openid", "profile", "email")})
    assert value("--scope", line(entra)) == ["openid profile email offline_access"]
    google = dataclasses.replace(entra, offline_access=False)
    assert value("--scope", line(google)) == ["openid profile email"]


def test_groups_and_names_may_be_in_claims_of_other_names() -> None:
    words = line(Choices(claims={"groups_claim": "cognito:groups", "user_claim": "preferred_username"}))
    assert value("--oidc-groups-claim", words) == ["cognito:groups"]
    assert value("--oidc-email-claim", words) == ["preferred_username"]


def test_an_unverified_e_mail_address_is_admitted_by_choice_only() -> None:
    assert value("--insecure-oidc-allow-unverified-email", line()) == []
    chosen = Choices(claims={"verified_email": False})
    assert value("--insecure-oidc-allow-unverified-email", line(chosen)) == ["true"]


def test_the_defaults_change_nothing_on_the_command_line() -> None:
    """A changed command line would replace the pods of every deployed platform."""
    own = {"scopes": ("openid", "profile", "email", "groups"), "groups_claim": "groups", "user_claim": "email"}
    assert line(Choices(claims=own)) == line()
    assert [word for word in line() if "claim" in word or "insecure" in word] == []


def test_with_forward_auth_the_sidecar_reads_the_same_claims() -> None:
    words = verifying(line(Choices(claims={"groups_claim": "roles", "verified_email": False})))
    assert value("--oidc-groups-claim", words) == ["roles"]
    assert value("--insecure-oidc-allow-unverified-email", words) == ["true"]


def test_the_cookie_is_kept_from_scripts_other_hosts_and_plain_connections() -> None:
    words = line()
    assert value("--cookie-secure", words) == ["true"]
    assert value("--cookie-httponly", words) == ["true"]
    assert value("--cookie-samesite", words) == ["lax"]
    (name,) = value("--cookie-name", words)
    assert name.startswith("__Host-")
    # Browsers refuse a __Host- cookie with a domain, or with another path than `/`.
    assert value("--cookie-path", words) == ["/"]
    assert value("--cookie-domain", words) == []


def test_a_session_expires_and_reads_new_groups_before_that() -> None:
    words = line(Choices(session_hours=8, sign_in=partial(at_provider, refresh_minutes=10)))
    assert value("--cookie-expire", words) == ["8h"]
    assert value("--cookie-refresh", words) == ["10m"]


def test_no_secret_is_on_the_command_line() -> None:
    words = line()
    assert value("--client-secret-file", words) == ["/run/secrets/login/client-secret"]
    assert value("--cookie-secret-file", words) == ["/run/secrets/login/cookie-secret"]
    assert value("--client-secret", words) == value("--cookie-secret", words) == []


def test_the_redirect_follows_from_the_host() -> None:
    assert value("--redirect-url", line(Choices(address=Address(host="a.example.com")))) == [
        "https://a.example.com/oauth2/callback"
    ]


BELOW = Address(host="a.example.com", path="/clusters/demo-1/ml.flow")


def test_below_a_path_no_other_platform_on_the_host_is_sent_the_cookie() -> None:
    words = line(Choices(address=BELOW))
    assert value("--cookie-path", words) == ["/clusters/demo-1/ml.flow"]
    # `__Host-` requires the path `/`.
    assert value("--cookie-name", words) == ["__Secure-mlflow"]


def test_below_a_path_all_pages_of_the_login_are_below_it() -> None:
    words = line(Choices(address=BELOW))
    assert value("--proxy-prefix", words) == ["/clusters/demo-1/ml.flow/oauth2"]
    assert value("--redirect-url", words) == ["https://a.example.com/clusters/demo-1/ml.flow/oauth2/callback"]
    (health,) = value("--skip-auth-route", words)
    method, _, pattern = health.partition("=")
    assert method == "GET"
    assert re.search(pattern, "/clusters/demo-1/ml.flow/health")
    for other in ("/health", "/clusters/demo-1/mlxflow/health", "/x/clusters/demo-1/ml.flow/health"):
        assert not re.search(pattern, other)


@pytest.mark.parametrize("address", [ADDRESS, BELOW])
@pytest.mark.parametrize("route", ["api/2.0/mlflow", "ajax-api", "graphql", "v1/traces"])
def test_programs_get_401_instead_of_a_redirect_to_the_login(address: Address, route: str) -> None:
    (pattern,) = value("--api-route", line(Choices(address=address)))
    assert re.search(pattern, f"{address.path}/{route}")
    assert not re.search(pattern, f"{address.path}/")
    assert not re.search(pattern, f"{address.path}/static-files/{route}")


def test_programs_are_admitted_by_tokens_of_the_identity_provider_and_of_service_accounts() -> None:
    words = line(Choices(audiences=("cli", "notebooks")))
    assert value("--skip-jwt-bearer-tokens", words) == ["true"]
    assert value("--extra-jwt-issuers", words) == [f"{IN_CLUSTER_ISSUER}=mlflow"]
    assert value("--oidc-extra-audience", words) == ["cli", "notebooks"]


def test_a_service_accounts_token_is_admitted_for_any_of_the_audiences_and_no_other() -> None:
    words = line(Choices(service_account_audiences=("mlflow", "https://container.example.com/v1")))
    assert value("--extra-jwt-issuers", words) == [
        f"{IN_CLUSTER_ISSUER}=mlflow",
        f"{IN_CLUSTER_ISSUER}=https://container.example.com/v1",
    ]


def test_the_server_gets_the_callers_name_and_no_token() -> None:
    words = line()
    assert value("--pass-user-headers", words) == ["true"]
    assert value("--pass-basic-auth", words) == value("--pass-access-token", words) == ["false"]
    assert value("--pass-authorization-header", words) == []


def test_nothing_is_open_without_a_login_but_the_health_of_the_server() -> None:
    assert value("--skip-auth-route", line()) == ["GET=^/health$"]
    assert [word for word in line() if word.startswith(("--skip-auth-regex", "--skip-auth-preflight"))] == []


def test_a_private_ca_certificate_is_trusted_beside_the_public_ones() -> None:
    words = line()
    assert value("--provider-ca-file", words) == ["/etc/login/kubernetes.crt"]
    # Otherwise the files replace the public CA certificates, and a company's identity provider is not trusted.
    assert value("--use-system-trust-store", words) == ["true"]


def test_it_is_a_sidecar_that_starts_before_the_server_and_ends_after_it() -> None:
    assert sidecar(login())["restartPolicy"] == "Always"


def test_both_secrets_are_in_a_secret_and_mounted_as_files() -> None:
    got = login()
    secret = got["login-secret"]
    assert secret.secrets["stringData.client-secret"] == "hunter2"
    # An AES key without decoding: 16, 24 or 32 bytes.
    assert len(secret.secrets["stringData.cookie-secret"]) == 32
    (volume,) = [one for one in got["pod"].inputs["spec"]["volumes"] if "secret" in one]
    assert volume["secret"]["secretName"] == autoname("login-secret")
    assert "env" not in sidecar(got)


def test_service_account_tokens_are_verified_with_the_clusters_own_keys() -> None:
    got = login()
    binding = got["login-issuer-discovery"].inputs
    assert binding["roleRef"]["name"] == "system:service-account-issuer-discovery"
    assert [subject["name"] for subject in binding["subjects"]] == ["system:unauthenticated"]
    assert mounted(got) == {"kubernetes.crt": "kube-root-ca.crt"}


@pytest.mark.parametrize(
    "issuer",
    [
        # OpenShift.
        "https://kubernetes.default.svc",
        "https://kubernetes.default",
        "https://kubernetes.default.svc.company.example",
        "https://kubernetes.default.svc.cluster.local:443/",
    ],
)
def test_any_name_of_the_api_servers_service_is_trusted_alike(issuer: str) -> None:
    got, usual = login(Choices(issuer=issuer)), login()
    assert got["login-issuer-discovery"].inputs == usual["login-issuer-discovery"].inputs
    assert mounted(got) == mounted(usual)
    # Nothing outside of the cluster is reached for it.
    assert got.exports["ports"] == usual.exports["ports"]
    assert value("--extra-jwt-issuers", sidecar(got)["args"]) == [f"{issuer}=mlflow"]


def test_an_issuer_of_another_name_is_trusted_alike_if_the_api_server_serves_it() -> None:
    """Talos and kOps use the public name of the API server."""
    got = login(Choices(issuer="https://api.example.com:6443", api_server_issuer=True))
    assert got["login-issuer-discovery"].inputs == login()["login-issuer-discovery"].inputs
    assert mounted(got) == mounted(login())
    assert got.exports["ports"] == [443, 6443]


@pytest.mark.parametrize(
    "issuer",
    ["https://oidc.example.com/cluster", "https://kubernetes.default.example.com", "https://xkubernetes.default"],
)
def test_an_issuer_outside_the_cluster_needs_no_binding_in_it(issuer: str) -> None:
    got = login(Choices(issuer=issuer))
    assert got.of("ClusterRoleBinding") == []
    assert mounted(got) == {}


def test_the_identity_providers_private_ca_certificate_is_mounted_beside_the_clusters() -> None:
    got = login(Choices(authority=AUTHORITY))
    assert got["login-authority"].inputs["data"] == {"ca.crt": AUTHORITY}
    assert mounted(got) == {
        "identity-provider.crt": autoname("login-authority"),
        "kubernetes.crt": "kube-root-ca.crt",
    }


@pytest.mark.parametrize("authority", [None, AUTHORITY])
def test_every_ca_certificate_on_the_command_line_is_mounted(authority: str | None) -> None:
    got = login(Choices(authority=authority))
    files = {path.rpartition("/")[2] for path in value("--provider-ca-file", sidecar(got)["args"])}
    assert files == mounted(got).keys()


def test_signing_out_ends_the_session_at_the_identity_provider_where_it_can() -> None:
    url = "https://login.example.com/logout?id_token_hint={id_token}"
    assert value("--backend-logout-url", line(Choices(sign_in=partial(at_provider, logout_url=url)))) == [url]
    assert value("--backend-logout-url", line()) == []


def test_urls_outside_the_cluster_are_reachable_on_their_ports() -> None:
    url = "https://logout.example.com:8444/end?id_token_hint={id_token}"
    assert login(Choices(sign_in=partial(at_provider, logout_url=url))).exports["ports"] == [443, 8444]
    assert login().exports["ports"] == [443]


def test_a_token_is_passed_on_only_with_pass_token() -> None:
    words = line(Choices(pass_token=True))
    assert value("--pass-authorization-header", words) == ["true"]
    # Nothing else of the session is passed on.
    assert value("--pass-access-token", words) == ["false"]


HTPASSWD = "erin@example.com:$2a$10$hash"


def with_passwords() -> SignIn:
    return PasswordSignIn(htpasswd=pulumi.Output.secret(HTPASSWD))


def test_users_with_passwords_come_from_a_secret_file() -> None:
    got = login(Choices(sign_in=with_passwords))
    assert value("--htpasswd-file", sidecar(got)["args"]) == ["/run/secrets/login/htpasswd"]
    assert got["login-secret"].secrets["stringData.htpasswd"] == HTPASSWD
    assert "stringData.htpasswd" not in login()["login-secret"].secrets


def test_users_with_passwords_see_a_form_and_no_identity_provider() -> None:
    got = login(Choices(sign_in=with_passwords))
    words = sidecar(got)["args"]
    page = pages(got)
    assert 'action="{{.ProxyPrefix}}/sign_in"' in page
    assert "/start" not in page
    # Without an identity provider a session would end at its first refresh.
    assert value("--cookie-refresh", words) == []


def test_with_an_identity_provider_the_page_leads_there_and_back_to_the_page_asked_for() -> None:
    got = login()
    assert value("--htpasswd-file", sidecar(got)["args"]) == []
    page = pages(got)
    assert "location.hash" in page
    assert "<form" not in page


def pages(got: Recording) -> str:
    """The sign-in page, in the directory where OAuth2-Proxy looks for it."""
    words = sidecar(got)["args"]
    assert value("--skip-provider-button", words) == ["false"]
    (folder,) = value("--custom-templates-dir", words)
    (mount,) = [one for one in sidecar(got)["volumeMounts"] if one["mountPath"] == folder]
    (volume,) = [one for one in got["pod"].inputs["spec"]["volumes"] if one["name"] == mount["name"]]
    assert volume["configMap"]["name"] == autoname("login-pages")
    return got["login-pages"].inputs["data"]["sign_in.html"]


FAILURE = FailurePage(claim="upn", contact="Ops <ops@example.com> {{.Version}}")


def test_who_cannot_sign_in_is_told_what_is_missing_and_whom_to_ask() -> None:
    page = login(Choices(failure_page=FAILURE))["login-pages"].inputs["data"]["error.html"]
    assert page.startswith('{{define "error.html"}}')
    assert "Your e-mail address is not verified" in page
    assert "it has no upn for you" in page
    assert "ask Ops &lt;ops@example.com&gt;" in page


def test_a_contact_is_text_and_no_part_of_the_template() -> None:
    page = login(Choices(failure_page=FAILURE))["login-pages"].inputs["data"]["error.html"]
    assert ".Version" in page
    assert "{{.Version" not in page


def test_without_a_page_of_its_own_the_login_has_the_sign_in_page_only() -> None:
    assert list(login()["login-pages"].inputs["data"]) == ["sign_in.html"]


def mounted(got: Recording) -> dict[str, str]:
    """ConfigMap of each mounted CA certificate, by file name."""
    volumes = [one for one in got["pod"].inputs["spec"]["volumes"] if "projected" in one]
    sources = [source["configMap"] for volume in volumes for source in volume["projected"].get("sources", [])]
    return {item["path"]: source["name"] for source in sources for item in source["items"]}


def test_the_client_secret_may_be_in_an_existing_secret() -> None:
    def program() -> dict[str, object]:
        oidc = Oidc(
            issuer="https://login.example.com",
            client_id="platform",
            client_secret=ExistingSecret(name="company", keys={"client-secret": "oidc"}, rotation=3),
        )
        secrets = login_secrets(
            "login",
            client_secret=oidc.client_secret,
            others={},
            namespace=NAMESPACE,
            opts=pulumi.ResourceOptions(),
        )
        return {"volume": secrets.attachment.volumes[0], "env": [*secrets.attachment.env]}

    got = deploy(program)
    assert list(got["login-secret"].secrets) == ["stringData.cookie-secret"]
    assert got.exports["volume"]["projected"]["sources"] == [
        {"secret": {"name": autoname("login-secret")}},
        {"secret": {"name": "company", "items": [{"key": "oidc", "path": "client-secret"}]}},
    ]
    assert got.exports["env"] == [{"name": "CLIENT_SECRET_ROTATION", "value": "3"}]


def test_the_companys_ca_certificates_are_trusted_for_the_issuer_too() -> None:
    choices = Choices(company_authorities=AUTHORITY)
    assert login(choices)["login-company-authorities"].inputs["data"] == {"ca.crt": AUTHORITY}
    added = set(line(choices)) - set(line())
    assert added == {"--provider-ca-file=/etc/login/company.crt"}
