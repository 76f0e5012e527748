"""As many requests at once as there are connections for; the others wait, and none is refused."""

import asyncio
from typing import Any

from mlflow_platform_server.threads import Bounded


class Loop:
    """An event loop's bound, as anyio makes it."""

    total_tokens = 40.0


def test_a_worker_handles_as_many_requests_at_once_as_it_was_told_from_the_first_on() -> None:
    loop = Loop()
    seen: list[float] = []

    async def app(*_: Any) -> None:  # noqa: ANN401 - ASGI
        seen.append(loop.total_tokens)

    async def unused(*_: Any) -> Any:  # noqa: ANN401 - ASGI
        raise AssertionError("the bound neither reads nor answers")

    async def ask() -> None:
        bounded = Bounded(app, 15, limiter=lambda: loop)
        await bounded({"type": "http"}, unused, unused)
        await bounded({"type": "http"}, unused, unused)

    asyncio.run(ask())
    assert seen == [15, 15]
