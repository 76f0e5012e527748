"""Text of docs/versions.md: the versions that go together, each read from the file that pins it.

It reads the testbed's versions as text, because nothing but the testbed may import it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settings.schema.server import Images

ROOT = Path(__file__).resolve().parents[1]
EXPOSURE = "testbed/e2e/rehearsals/exposure/test_variants.py::test_a_program_logs_a_run_and_gets_its_artifact_back"
UPGRADE = "testbed/e2e/rehearsals/upgrade/test_upgrade.py::test_the_upgraded_platform_has_the_same_data"
PROGRAM = "testbed/e2e/acceptance/test_programs.py::test_a_registered_model_is_served_by_its_alias"
SERVICES = (
    "testbed/e2e/rehearsals/backing_services/test_backing_services.py::test_it_works_on_the_companys_database_and_store"
)
PROVIDER = (
    "testbed/e2e/rehearsals/provider/test_provider.py"
    "::test_up_makes_everything_from_nothing_and_finds_no_change_afterwards"
)
AWS = "testbed/e2e/rehearsals/aws/test_prod_on_aws.py::test_the_published_client_logs_reads_back_and_registers"
BROWSER = "testbed/e2e/acceptance/test_browser.py::test_a_member_of_team_a_sees_team_as_experiment_and_not_team_bs"
HEADERS = (
    "testbed/e2e/acceptance/test_attack_login.py::test_very_large_headers_are_refused_and_the_next_request_is_served"
)
ARTIFACT = "testbed/e2e/acceptance/test_programs.py::test_an_artifact_of_64_mib_comes_back_byte_for_byte"
WEBHOOKS = "testbed/e2e/rehearsals/webhooks/test_webhooks.py::test_an_event_reaches_the_teams_receiver_once_and_signed"
SESSIONS = (
    "testbed/e2e/rehearsals/keycloak/test_keycloak.py"
    "::test_requests_at_the_moment_of_the_refresh_all_succeed_and_each_token_is_used_once"
)
BACKUPS = "testbed/e2e/rehearsals/backups/test_backups.py::test_exactly_what_was_acknowledged_by_a_second_is_restored"
PREVIEWS = "testbed/e2e/acceptance/test_previews.py::test_a_second_up_changes_nothing"
METRICS = "testbed/e2e/rehearsals/monitoring/test_monitoring.py::test_every_target_is_up"
ALERTS = (
    "testbed/e2e/rehearsals/monitoring/test_monitoring.py::test_an_alert_fires_with_its_fault_and_is_resolved_with_it"
)
# Images of the platform that only rehearsals deploy: folders of testbed/programs.
PROGRAMS = {"VALKEY": "valkey", "BACKUP": "postgres-backup", "POSTGRES_EXPORTER": "postgres-exporter"}
SCALING = "testbed/e2e/rehearsals/availability/test_autoscaling.py::test_a_replica_is_added_under_load"
START = """\
# Versions that go together

One commit of the project is one set of versions. The table is generated from the files that pin them (`make generate`).
*Supported* is what you may run, *tested* what the tests on the embedded cluster run; the last column names a test that
shows it. How to take another version is in [maintaining.md](maintaining.md).

| what | supported | tested | pinned in | shown by |
|---|---|---|---|---|
"""
END = """
- Where a range is supported, only the tested version was seen to work.
- Clients of other MLflow versions were not tried. Use the version in the table.
- RDS, IAM, S3 and KMS were tested with stand-ins ([aws.md](aws.md)).
- ingress-nginx and Google Cloud Storage were not tested with the products themselves
  ([gateway.md](gateway.md#ingress-nginx), [own-services.md](own-services.md#google-cloud-storage)).
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table."""

    what: str
    supported: str
    tested: str
    file: str
    """The file that pins the version."""

    test: str


def page() -> str:
    """The text of the page."""
    lines = [
        f"| {row.what} | {row.supported} | {row.tested} | `{row.file}` | `{row.test}` |\n"
        for row in (*_core(), *_images(), *_cluster())
    ]
    return START + "".join(lines) + END


def pinned(file: str, pattern: str) -> str:
    """The one version that a file of the checkout pins.

    Raises:
        ValueError: the file has no such line, or several.
    """
    found = re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    if len(found) != 1:
        raise ValueError(f"{file} has {len(found)} lines like {pattern}, expected one")
    return found[0]


def equipment(name: str) -> str:
    """The version of a product that the testbed pins."""
    return pinned("testbed/versions.py", rf'^{name} = "(.+)"')


def _package(name: str) -> str:
    return pinned("images/mlflow/requirements.txt", rf"^{name}==(\S+)")


def _readme(name: str) -> str:
    return pinned("README.md", rf"^\| {name} \| (.+?) \|")


def _core() -> Iterator[Row]:
    image, project = "images/mlflow/requirements.in", "pyproject.toml"
    server, client = (pinned(file, r"^mlflow==(\S+)") for file in (image, "tools/client/requirements.in"))
    before = equipment("MLFLOW_PREVIOUS")
    yield Row(
        what="MLflow, server", supported=server, tested=f"{server}, upgraded from {before}", file=image, test=UPGRADE
    )
    yield Row(what="MLflow, client", supported=client, tested=client, file="tools/client/requirements.in", test=PROGRAM)
    for package, what in (
        ("mlflow-kubernetes-plugins", "Kubernetes authorisation plugin of MLflow"),
        ("sqlalchemy", "SQLAlchemy"),
        ("psycopg", "psycopg"),
        ("boto3", "boto3"),
        ("uvicorn", "uvicorn"),
    ):
        version = _package(package)
        yield Row(what=what, supported=version, tested=version, file="images/mlflow/requirements.txt", test=PROGRAM)
    debian = pinned("images/mlflow/Dockerfile", r"^FROM docker.io/library/debian:(\w+)-slim$")
    yield Row(
        what="Debian of the server's image, with its Python",
        supported=debian,
        tested=debian,
        file="images/mlflow/Dockerfile",
        test=PROGRAM,
    )
    python = pinned(project, r'^requires-python = ">=(.+)"')
    yield Row(
        what="Python that runs the program", supported=f"{python} or newer", tested=python, file=project, test=PREVIEWS
    )
    oldest = pinned("Pulumi.yaml", r'^requiredPulumiVersion: ">=(.+)"')
    yield Row(
        what="Pulumi, engine",
        supported=f"{oldest} or newer",
        tested=equipment("PULUMI"),
        file="Pulumi.yaml",
        test=PREVIEWS,
    )
    for package, test in (
        ("pulumi", PREVIEWS),
        ("pulumi-kubernetes", PROVIDER),
        ("pulumi-aws", AWS),
        ("pulumi-random", PREVIEWS),
        ("pulumi-policy", PREVIEWS),
    ):
        version = pinned(project, rf'^    "{package}==(.+)",')
        yield Row(what=f"`{package}`", supported=version, tested=version, file=project, test=test)


def _images() -> Iterator[Row]:
    file = "settings/schema/server.py"
    for field, what, name, test in (
        ("postgres", "PostgreSQL in the cluster", "POSTGRES", PROGRAM),
        ("backup", "PostgreSQL with barman-cloud, for backups", "BACKUP", BACKUPS),
        ("object_store", "SeaweedFS", "SEAWEEDFS", ARTIFACT),
        ("oauth2_proxy", "OAuth2-Proxy", "OAUTH2_PROXY", BROWSER),
        ("haproxy", "HAProxy", "HAPROXY", HEADERS),
        ("dex", "Dex", "DEX", BROWSER),
        ("webhook_proxy", "Squid, any of version 6 or later", "SQUID", WEBHOOKS),
        ("valkey", "Valkey, any of version 8 or later", "VALKEY", SESSIONS),
        ("postgres_exporter", "Exporter of PostgreSQL's metrics", "POSTGRES_EXPORTER", METRICS),
    ):
        tag = str(Images.model_fields[field].default).rpartition(":")[2].removeprefix("v")
        yield Row(
            what=what,
            supported=tag,
            tested=_tested(name),
            file=file,
            test=test,
        )
    rds = pinned("components/aws/rds.py", r'^VERSION = "(.+)"')
    yield Row(what="PostgreSQL at RDS", supported=rds, tested="stand-in", file="components/aws/rds.py", test=AWS)
    own = _readme("PostgreSQL").partition("your own: ")[2]
    yield Row(
        what="PostgreSQL of your own", supported=own, tested=equipment("POSTGRES"), file="README.md", test=SERVICES
    )


def _cluster() -> Iterator[Row]:
    file = "testbed/versions.py"
    yield Row(
        what="Kubernetes", supported=_readme("Kubernetes"), tested=equipment("KUBERNETES"), file=file, test=PREVIEWS
    )
    yield Row(
        what="Traefik; other ingress controllers without ForwardAuth",
        supported="3",
        tested=_wheel("TRAEFIK"),
        file=file,
        test=EXPOSURE,
    )
    yield Row(what="Gateway API", supported="1", tested=equipment("GATEWAY_API"), file=file, test=EXPOSURE)
    yield Row(
        what="Metrics server, for `server.autoscaling`",
        supported="any",
        tested=equipment("METRICS_SERVER"),
        file=file,
        test=SCALING,
    )
    yield Row(
        what="Prometheus, for `monitoring.metrics`",
        supported="2.53 or newer",
        tested=_program("prometheus"),
        file="testbed/programs/prometheus/image.toml",
        test=ALERTS,
    )


def _tested(image: str) -> str:
    if image in PROGRAMS:
        return _program(PROGRAMS[image])
    return _wheel(image) if image == "SEAWEEDFS" else equipment(image)


def _program(folder: str) -> str:
    return pinned(f"testbed/programs/{folder}/image.toml", r'^version = "(.+)"')


def _wheel(name: str) -> str:
    return pinned("testbed/versions.py", rf'^{name} = Wheel\(\n    name=".+",\n    version="(.+)"')
