"""Fixtures that run `settings.load` with documents instead of an engine."""

import asyncio
from collections.abc import Iterator, Mapping

import pulumi
import pulumi.runtime
import pytest

import settings
from settings import PROJECT, Secrets, Settings
from tests.settings.stack_files import Complaints, Load, given


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A current event loop, which outputs need; 3.12 gives a thread none of its own."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    made.run_until_complete(asyncio.gather(*asyncio.all_tasks(made)))
    asyncio.set_event_loop(None)
    made.close()


@pytest.fixture
def load() -> Iterator[Load]:
    """Loads a document, and clears the configuration afterwards."""

    def call(
        document: Mapping[str, object], *, encrypted: list[str] | None = None, stack: str = "dev"
    ) -> tuple[Settings, Secrets]:
        pulumi.runtime.configure(pulumi.runtime.Settings(project=PROJECT, stack=stack))
        pulumi.runtime.set_all_config(given(document), [f"{PROJECT}:{key}" for key in encrypted or []])
        found, secrets = settings.load()
        assert isinstance(found, Settings)
        return found, secrets

    yield call
    pulumi.runtime.set_all_config({}, [])


@pytest.fixture
def complaints(load: Load) -> Complaints:
    """The mistakes that `load` reports for a document."""

    def call(document: Mapping[str, object], *, encrypted: list[str] | None = None) -> list[str]:
        try:
            load(document, encrypted=encrypted or [])
        except pulumi.RunError as error:
            return str(error).splitlines()[1:]
        return []

    return call
