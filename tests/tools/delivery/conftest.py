from collections.abc import Iterator

import pytest

from tests.tools.delivery.parts import COMMIT, HEAD, TOKEN
from tests.tools.github import GitHub, serving


@pytest.fixture(scope="package")
def server() -> Iterator[GitHub]:
    """One for all, because stopping it takes half a second."""
    with serving(TOKEN) as github:
        yield github


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """GitHub, with a pull request that was merged, without a plan and a review."""
    for kept in (server.comments, server.reviews, server.editors, server.permissions):
        kept.clear()
    server.merge(COMMIT, HEAD)
    return server
