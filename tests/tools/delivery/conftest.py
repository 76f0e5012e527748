from collections.abc import Iterator

import pytest

from tests.tools.delivery.parts import COMMIT, HEAD, TOKEN
from tests.tools.github import GitHub, serving


@pytest.fixture(scope="package")
def server() -> Iterator[GitHub]:
    """One server for all tests, because stopping it takes half a second."""
    with serving(TOKEN) as github:
        yield github


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """GitHub with a merged pull request that has neither a plan nor a review."""
    for kept in (server.comments, server.reviews, server.editors, server.permissions):
        kept.clear()
    server.merge(COMMIT, HEAD)
    return server
