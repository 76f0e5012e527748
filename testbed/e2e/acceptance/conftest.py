"""Fixtures of the acceptance tests that attack: the callers, and the objects of the attacked team."""

from collections.abc import Generator

import pytest

from testbed.e2e.attack import world
from testbed.e2e.attack.callers import callers
from testbed.e2e.attack.line import Line
from testbed.e2e.attack.verdict import Caller
from testbed.e2e.attack.world import World
from testbed.e2e.web import Site
from tools.stack import Platform


@pytest.fixture(scope="module")
def everybody(site: Site, platform: Platform) -> Generator[dict[str, Caller]]:
    with callers(site, platform) as found:
        yield found


@pytest.fixture(scope="module")
def victim(site: Site, everybody: dict[str, Caller]) -> World:
    owner = everybody["other manager"]
    return world.make(Line(site), owner.token, owner.workspace)
