import itertools
from collections.abc import Callable

import pytest

from settings import Settings, outline, profiles
from settings.partial import key, partial
from settings.profiles import PRESETS, PROFILES
from settings.schema.database import ExternalDatabase, InClusterDatabase
from tests.settings.cases import EXTERNAL, OIDC, S3
from tests.settings.stack_files import Complaints, Document, Load, changed, committed, validated

IMAGE = "registry.example.com/mlflow-platform/mlflow@sha256:" + "0" * 64
# The choices that each profile requires.
SERVER_ROLE = {"user": "mlflow_server", "credentials": {"kind": "secret", "name": "mlflow-server"}}
BACKUP_BUCKET = {"bucket": "backups", "credentials": {"kind": "secret", "name": "backups"}}
BARE: dict[str, Document] = {
    "evaluation": {"login": {"kind": "development", "users": {"a@example.com": {}}}},
    "small": {"login": {"kind": "basic", "users": {"a@example.com": {}}}},
    "production": {
        "login": OIDC,
        "database": {**EXTERNAL, "server": SERVER_ROLE, "maxConnections": 500},
        "artifacts": S3,
        "certificate": {"kind": "secret", "name": "mlflow-tls"},
    },
}


def bare(profile: str) -> Document:
    """A stack file with only the required keys."""
    return {
        "profile": profile,
        "host": "mlflow.example.com",
        "database": {"kind": "in-cluster"},
        "artifacts": {"kind": "in-cluster"},
        "certificate": {"kind": "self-signed"},
        "server": {"image": IMAGE},
        "teams": {"team-a": {}},
        **BARE[profile],
    }


def at_rds(document: Document, **settings: object) -> None:
    """Change a stack file to a database at RDS."""
    example = committed("prod")
    document["database"] = {**example["database"], **settings}
    document |= {"aws": example["aws"], "cluster": example["cluster"]}


def aws_bucket() -> Document:
    """A bucket that the platform creates, with the section `aws` that it needs."""
    example = committed("prod")
    return {key: example[key] for key in ("artifacts", "aws", "cluster")}


def loaded(document: Document) -> Settings:
    got = validated(document)
    assert isinstance(got.settings, Settings), got.mistakes
    return got.settings


def origin(document: Document) -> str:
    """Origin of `server.workers`."""
    return key(partial(Settings, document), lambda one: one.server.workers).origin


@pytest.mark.parametrize("profile", PROFILES)
def test_what_a_profile_sets_is_right_and_comes_out(profile: str) -> None:
    got = validated(bare(profile))
    assert got.mistakes == []
    assert got.warnings == []
    assert got.settings is not None


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("section", ["database", "artifacts"])
def test_what_a_profile_sets_comes_out_with_every_kind(profile: str, section: str) -> None:
    others: dict[str, Document] = {
        "database": {"in-cluster": {"kind": "in-cluster"}, "external": EXTERNAL},
        "artifacts": {"in-cluster": {"kind": "in-cluster"}, "s3": S3},
    }
    for choice in others[section].values():
        assert validated({**bare(profile), section: choice}).mistakes == []


def test_the_file_goes_before_the_profile_and_the_profile_before_the_default() -> None:
    document = bare("small")
    assert loaded(document).server.workers == 2
    assert origin(document) == "profile small"
    document["server"]["workers"] = 1
    assert loaded(document).server.workers == 1
    assert origin(document) == "stack file"
    assert loaded(bare("evaluation")).server.workers == 1
    assert origin(bare("evaluation")) == "default"


def test_a_profile_sets_only_what_the_chosen_kind_has() -> None:
    inside, outside = bare("small"), bare("small") | {"database": EXTERNAL}
    database = loaded(inside).database
    assert isinstance(database, InClusterDatabase)
    assert database.max_connections == 90
    database = partial(Settings, outside).database
    assert isinstance(database, ExternalDatabase)
    assert key(database, lambda one: one.max_connections).origin == "default"


def test_a_profile_does_not_hide_that_a_section_is_missing_or_no_section(complaints: Complaints) -> None:
    (missing,) = complaints(changed("dev", {"profile": "small", "server": ..., "login": BARE["small"]["login"]}))
    assert missing.startswith("  - server: is missing")
    (text,) = complaints(changed("dev", {"profile": "small", "server": "x", "login": BARE["small"]["login"]}))
    assert text.startswith("  - server: expected a mapping, found a string")


def test_a_message_says_that_a_value_is_the_profiles(complaints: Complaints) -> None:
    (line,) = complaints(bare("small") | {"server": {"image": IMAGE, "memory": "2Gi"}})
    assert '"2Gi" is more than server.memoryLimit "1536Mi" (profile small)' in line


def test_a_document_is_not_changed_by_what_is_laid_under_it() -> None:
    document = bare("production")
    before = bare("production")
    profiles.applied(document, Settings)
    assert document == before


@pytest.mark.parametrize("profile", [None, "prod", 5, ["small"], {}])
def test_a_profile_that_does_not_exist_sets_nothing(profile: object) -> None:
    assert profiles.applied({**bare("small"), "profile": profile}, Settings) == {**bare("small"), "profile": profile}


def test_every_row_names_a_key_that_exists_says_why_and_differs_from_the_default() -> None:
    for preset in PRESETS:
        keys = [
            key
            for key in outline.keys(Settings)
            if key.path == preset.path and (preset.kind is None or key.choice == preset.kind)
        ]
        assert keys, preset.path
        assert preset.source.endswith(".")
        for one, (profile, value) in itertools.product(keys, preset.values.items()):
            assert value != outline.default(one.field), (preset.path, profile)
            kind = outline.value_kind(one.field.annotation, one.field.metadata)
            assert kind is None or kind.remedy(value) is None, (preset.path, profile)


def test_data_are_kept_unless_it_is_an_evaluation() -> None:
    assert [loaded(bare(profile)).durable for profile in PROFILES] == [False, True, True]


WARNED: dict[str, tuple[str, Callable[[Document], object], str]] = {
    "a version for an image in production": (
        "production",
        lambda it: it["server"].update(image="registry.example.com/mlflow:1.2.3"),
        "server.image",
    ),
    "one replica in production": ("production", lambda it: it["server"].update(replicas=1), "server.replicas"),
    "a database of one pod in production": (
        "production",
        lambda it: it.update(database={"kind": "in-cluster"}, backups=BACKUP_BUCKET),
        "database.kind",
    ),
    "a store of one pod in production": (
        "production",
        lambda it: it.update(artifacts={"kind": "in-cluster"}),
        "artifacts.kind",
    ),
    "no bucket for backups": ("small", lambda it: it.update(artifacts=S3), "backups.bucket"),
    "no store for backups": ("small", lambda it: it.update(aws_bucket()), "backups.enabled"),
    "no backups of a database in the cluster": (
        "small",
        lambda it: it.update(backups={"enabled": False}),
        "backups.enabled",
    ),
    "an external database without its limit": (
        "production",
        lambda it: it.update(database={**EXTERNAL, "server": SERVER_ROLE}),
        "database.maxConnections",
    ),
    "a server that signs in as the owner of the tables": (
        "production",
        lambda it: it["database"].pop("server"),
        "database.server",
    ),
    "one's own machine for a team": ("small", lambda it: it.update(host="mlflow.localhost"), "host"),
    "an image of one node for a team": (
        "small",
        lambda it: it["server"].update(image=IMAGE.replace("registry.example.com", "localhost")),
        "server.image",
    ),
    "a store without TLS for a team": (
        "small",
        lambda it: it.update(artifacts={**S3, "endpointUrl": "http://s3.example.com"}, backups=BACKUP_BUCKET),
        "artifacts.endpointUrl",
    ),
    "less memory than an idle pod takes": (
        "small",
        lambda it: it["server"].update(memory="512Mi"),
        "server.memory",
    ),
    "webhooks beside a way out for the API server": (
        "evaluation",
        lambda it: it["server"].update(features=["webhooks"], webhookHosts=["hooks.example.com"]),
        "cluster.apiServer",
    ),
    "a paused server": ("evaluation", lambda it: it["server"].update(paused=True), "server.paused"),
    "burstable CPU in production": (
        "production",
        lambda it: at_rds(it, instanceClass="db.t4g.large"),
        "database.instanceClass",
    ),
    "no standby in production": ("production", lambda it: at_rds(it, multiAz=False), "database.multiAz"),
    "a limit of an instance that waits for its restart": (
        "small",
        lambda it: at_rds(it, maxConnections=400),
        "database.maxConnections",
    ),
    "no backups for a team": ("small", lambda it: at_rds(it, backupDays=0), "database.backupDays"),
}
# Settings without a warning, though another profile warns about them.
UNWARNED: dict[str, tuple[str, Callable[[Document], object]]] = {
    "burstable CPU for a team": ("small", lambda it: at_rds(it, instanceClass="db.t4g.large")),
    "no standby for a team": ("small", lambda it: at_rds(it, multiAz=False)),
    "a standby and backups in production": ("production", at_rds),
    "no backups of an evaluation": ("evaluation", lambda it: at_rds(it, backupDays=0)),
    "a server that runs": ("evaluation", lambda it: it["server"].update(paused=False)),
    "one replica of an evaluation": ("evaluation", lambda it: it["server"].update(replicas=1)),
}


@pytest.mark.parametrize(("profile", "change", "path"), WARNED.values(), ids=WARNED)
def test_what_is_probably_unintended_is_a_warning_and_stops_nothing(
    profile: str, change: Callable[[Document], object], path: str
) -> None:
    document = bare(profile)
    change(document)
    got = validated(document)
    assert got.mistakes == []
    assert [warning.path for warning in got.warnings] == [path]


@pytest.mark.parametrize(("profile", "refused"), [("small", False), ("production", True)])
def test_a_database_without_backups_is_said_with_the_rule_that_refuses_it_in_production(
    profile: str,
    refused: bool,  # noqa: FBT001 - a case
) -> None:
    without = bare(profile) | {"database": {"kind": "in-cluster"}, "backups": {"enabled": False}}
    (warning,) = [one for one in validated(without).warnings if one.path == "backups.enabled"]
    assert warning.problem.startswith("is false, so PostgreSQL has no backups")
    assert ("which the policy pack refuses (databases-have-backups)" in warning.problem) == refused
    assert ("give databases-have-backups an exception (docs/policy.md)" in warning.remedy) == refused


@pytest.mark.parametrize(("profile", "change"), UNWARNED.values(), ids=UNWARNED)
def test_what_suits_a_profile_is_no_warning(profile: str, change: Callable[[Document], object]) -> None:
    document = bare(profile)
    change(document)
    got = validated(document)
    assert (got.mistakes, got.warnings) == ([], [])


@pytest.mark.parametrize(("stack", "paths"), [("dev", []), ("prod", ["server.image"])])
def test_of_the_committed_files_only_the_image_of_production_is_a_warning(stack: str, paths: list[str]) -> None:
    assert [warning.path for warning in validated(committed(stack)).warnings] == paths


def test_a_warning_is_shown_by_the_engine(load: Load, capsys: pytest.CaptureFixture[str]) -> None:
    load(bare("small") | {"host": "mlflow.localhost"})
    assert "host: ends with .localhost" in capsys.readouterr().err
