"""What the end-to-end tests share: the deployed platform, and the figures printed at the end.

They run on the embedded cluster, in the environment of `python -m embedded exec`; `tools/e2e` sets it up.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from embedded.aws.server import running
from tests.e2e.amazon import engine_environment
from tests.e2e.figures import Figures
from tests.e2e.mlflow_client import Client
from tests.e2e.web import Site
from tools.stack import Platform, read_platform

# Destructive ones last; within a file, the order in which the tests are written.
ORDER = (
    "test_programs",
    "test_tokens",
    "test_isolation",
    "test_roles",
    "test_quotas",
    "test_artifact_paths",
    "test_large_artifacts",
    "test_browser",
    "test_sessions",
    "test_revocation",
    "test_pods",
    "test_attack_matrix",
    "test_attack_objects",
    "test_attack_login",
    "test_networks",
    "test_network_semantics",
    "test_attacks",
    "test_admission",
    "test_previews",
    "test_pull_request",
    "test_other_accounts",
    "test_variants",
    "test_basic_login",
    "test_strict",
    "test_one_team",
    "test_prod_on_aws",
    "test_backing_services",
    "test_rolling",
    "test_upgrade",
    "test_team_life",
    "test_provider",
    "test_healing",
    "test_life_cycle",
)

_FIGURES = pytest.StashKey[Figures]()
_FAILED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        action="store_true",
        help="renew the pictures in docs/images; else they go to a temporary folder",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = Figures()
    config.addinivalue_line("markers", "chapters: each test begins where the one before it ended")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and item.parent is not None and item.get_closest_marker("chapters"):
        item.parent.stash.setdefault(_FAILED, item.name)
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.parent is not None and (failed := item.parent.stash.get(_FAILED, "")):
        pytest.skip(f"it begins where {failed} should have ended")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unknown = {item.path.stem for item in items} - set(ORDER)
    if unknown:
        raise pytest.UsageError(f"{', '.join(sorted(unknown))}: say in ORDER of {__file__} when it may run")
    items.sort(key=lambda item: ORDER.index(item.path.stem))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[_FIGURES].lines()
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """Where a test writes down what it measured."""
    return request.config.stash[_FIGURES]


@pytest.fixture(scope="module")
def platform() -> Platform:
    """The deployed stack; read anew for each file, because the last one deploys it again."""
    return read_platform()


@pytest.fixture(scope="module")
def site(platform: Platform) -> Site:
    """The public address."""
    return Site.of(platform)


@pytest.fixture(scope="module")
def client(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The published MLflow client."""
    return Client.of(platform, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def aws_credentials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What an engine needs to preview a stack that has something at AWS."""
    authority = tmp_path_factory.mktemp("aws") / "aws.crt"
    with running() as aws:
        authority.write_text(aws.authority_pem, encoding="utf-8")
        yield engine_environment(aws, authority)


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    if request.config.getoption("--screenshots"):
        return Path("docs/images").resolve()
    return tmp_path_factory.mktemp("pictures")
