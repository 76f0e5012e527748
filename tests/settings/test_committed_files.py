import asyncio
import dataclasses

import pulumi
import pytest
import yaml

from components.exposure.certificate import authority_certificate
from settings import PROJECT, ExternalSettings, Settings, outline
from settings.loader import from_file
from settings.page import page
from settings.page_examples import GROUPS, example
from settings.schema.bucket import BucketArtifacts
from settings.schema.certificate import CertificateSecret
from settings.schema.database import InClusterDatabase
from settings.schema.login import DevelopmentLogin, OidcLogin
from settings.schema.rds import RdsDatabase
from settings.secrets import NEEDS, required
from tests.settings.stack_files import ROOT, Document, Load, changed, committed, validated

SECRETS = dict.fromkeys(validated(committed("prod")).needed_secrets, "canary")


@pytest.fixture
def declared() -> Document:
    """Pulumi.yaml's declarations of the project's own keys."""
    config = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key: declaration for key, declaration in config.items() if ":" not in key}


def test_the_dev_stack_loads(load: Load) -> None:
    settings, secrets = load(committed("dev"))
    assert isinstance(settings.database, InClusterDatabase)
    assert isinstance(settings.login, DevelopmentLogin)
    assert settings.team("team-a").groups == {"viewer": (), "editor": (), "manager": ("team-a-mlflow-users",)}
    assert not settings.durable
    assert all(value is None for value in dataclasses.asdict(secrets).values())


def test_the_prod_stack_loads_with_its_one_secret(load: Load, loop: asyncio.AbstractEventLoop) -> None:
    settings, secrets = load(committed("prod") | SECRETS, encrypted=list(SECRETS), stack="prod")
    assert isinstance(settings.login, OidcLogin)
    assert isinstance(settings.certificate, CertificateSecret)
    assert settings.team("pricing").groups["manager"] == ("pricing-mlflow-users", "data-platform")
    assert settings.durable
    assert isinstance(settings.database, RdsDatabase)
    assert isinstance(settings.artifacts, BucketArtifacts)
    value = required(secrets.login_client_secret)
    assert loop.run_until_complete(value.future()) == "canary"
    assert loop.run_until_complete(value.is_secret())
    others = dataclasses.replace(secrets, login_client_secret=None)
    assert all(value is None for value in dataclasses.asdict(others).values())


def test_a_certificate_that_exists_goes_with_the_development_login_and_with_cert_manager(load: Load) -> None:
    document = changed(
        "dev",
        {
            "certificate": {"kind": "secret", "name": "mlflow-tls", "authority": authority_certificate(b"seed", "a.b")},
            "cluster": {"ingressAnnotations": {"cert-manager.io/cluster-issuer": "company"}},
        },
    )
    settings, _ = load(document)
    assert isinstance(settings.certificate, CertificateSecret)


def test_the_prod_stack_asks_for_each_of_its_secrets(load: Load) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        load(committed("prod"), stack="prod")
    lines = str(refused.value).splitlines()
    assert lines[0].startswith("1 mistake in Pulumi.prod.yaml")
    assert [line.split(":")[0].strip(" -") for line in lines[1:]] == list(SECRETS)


def test_a_secret_that_nobody_needs_cannot_be_used() -> None:
    with pytest.raises(TypeError, match="is missing"):
        required(None)


def test_pulumi_yaml_leaves_types_and_defaults_to_the_model(declared: Document) -> None:
    for key, declaration in declared.items():
        assert declaration["default"] == "", key
        assert "type" not in declaration, key
        assert declaration.get("secret", False) == (key in NEEDS), key


def test_the_project_has_the_name_that_its_configuration_bears() -> None:
    assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"] == PROJECT


def test_every_section_is_strict_closed_and_frozen() -> None:
    keys = [*outline.keys(Settings), *outline.keys(ExternalSettings)]
    sections = [Settings, ExternalSettings, *(model for key in keys for model in outline.models(key.field.annotation))]
    for section in sections:
        config = section.model_config
        assert (config.get("strict"), config.get("extra"), config.get("frozen")) == (True, "forbid", True), section


def test_every_setting_has_a_description() -> None:
    keys = [
        key for model in (Settings, ExternalSettings) for key in outline.keys(model) if not key.path.endswith(".kind")
    ]
    assert [key.path for key in keys if not (key.field.description or "").endswith(".")] == []


def test_every_kind_of_a_section_is_described_by_its_own_class() -> None:
    kinds = {model for key in outline.keys(Settings) for model in outline.models(key.field.annotation)}
    assert [model for model in kinds if not (vars(model).get("__doc__") or "").endswith(".")] == []


def test_the_configuration_page_has_every_section_in_one_group() -> None:
    sections = [name for name, field in outline.fields(Settings).items() if outline.models(field.annotation)]
    assert sorted(name for group in GROUPS for name in group.sections) == sorted(sections)


def test_the_examples_of_the_configuration_page_are_one_stack_file_without_mistakes() -> None:
    examples = [from_file(example(group)).document for group in GROUPS]
    document = {key: value for found in examples for key, value in found.items()}
    validation = validated(document)
    assert validation.mistakes == []
    assert [warning.path for warning in validation.warnings] == ["server.image"]
    assert sum(map(len, examples)) == len(document)
    for group, found in zip(GROUPS, examples, strict=True):
        assert example(group) in page()
        assert set(found) >= set(group.sections[:1])


def test_the_configuration_page_names_every_key() -> None:
    written = page()
    for model in (Settings, ExternalSettings):
        kinds = {key.path for key in outline.keys(model) if key.path.endswith(".kind")}
        sections = {name for name, field in outline.fields(model).items() if outline.models(field.annotation)}
        for key in outline.keys(model):
            if key.path not in kinds | sections:
                assert f"| `{key.path}`" in written
    for name in NEEDS:
        assert f"| `{name}` |" in written


def test_a_user_with_a_password_has_the_roles_of_the_groups_that_the_file_gives_them(load: Load) -> None:
    users = {"erin@example.com": {"groups": ["readers"]}, "dora@example.com": {"groups": ["team-a", "readers"]}}
    document = committed("dev") | {
        "login": {"kind": "basic", "users": {**users, "carol@example.com": {}}},
        "teams": {"team-a": {"groups": {"viewer": ["readers"], "manager": ["team-a"]}}},
    }
    settings, _ = load(document)
    assert settings.team("team-a").members == {
        "viewer": ("dora@example.com", "erin@example.com"),
        "editor": (),
        "manager": ("dora@example.com",),
    }
    assert not any(load(committed("dev"))[0].team("team-a").members.values())


def test_tokens_for_mlflow_and_those_of_every_pod_are_admitted_unless_the_stack_says_otherwise(load: Load) -> None:
    by_default, _ = load(committed("dev"))
    assert by_default.cluster.audiences == ("mlflow", "https://kubernetes.default.svc.cluster.local")
    managed, _ = load(changed("dev", {"cluster": {"serviceAccountIssuer": "https://oidc.example.com/id/1"}}))
    assert managed.cluster.audiences == ("mlflow", "https://oidc.example.com/id/1")
    strict, _ = load(changed("dev", {"cluster": {"serviceAccountAudiences": ["mlflow"]}}))
    assert strict.cluster.audiences == ("mlflow",)


def test_a_service_account_without_a_namespace_is_in_the_teams(load: Load) -> None:
    settings, _ = load(changed("dev", {"teams/team-a/serviceAccounts": ["airflow", "jupyter/team-a"]}))
    assert settings.team("team-a").service_accounts == (("team-a", "airflow"), ("jupyter", "team-a"))
    assert settings.team("team-b").service_accounts == ()
    assert settings.client_namespaces == ("jupyter",)


def test_an_archived_teams_service_accounts_have_no_rights(load: Load) -> None:
    settings, _ = load(changed("dev", {"teams/team-a": {"serviceAccounts": ["jupyter/team-a"], "archived": True}}))
    assert settings.team("team-a").service_accounts == ()
    assert settings.client_namespaces == ()


@pytest.mark.parametrize(
    ("audiences", "mounted"), [([], True), (["mlflow"], False), (["mlflow", "https://kubernetes.default.svc"], True)]
)
def test_a_pods_default_token_is_for_the_login_unless_tokens_for_mlflow_are_demanded(
    load: Load,
    audiences: list[str],
    mounted: bool,  # noqa: FBT001 - a case of the test
) -> None:
    settings, _ = load(changed("dev", {"cluster": {"serviceAccountAudiences": audiences}}))
    assert settings.cluster.admits_default_tokens is mounted


@pytest.mark.parametrize("written", [True, False])
def test_a_flag_at_the_top_of_the_file_is_one_though_the_engine_hands_over_its_text(
    load: Load, *, written: bool
) -> None:
    settings, _ = load(committed("dev") | {"createNamespace": written})
    assert settings.create_namespace is written
