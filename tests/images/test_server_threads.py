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

    async def ask() -> None:
        bounded = Bounded(app, 15, limiter=lambda: loop)
        await bounded({"type": "http"}, None, None)
        await bounded({"type": "http"}, None, None)

    asyncio.run(ask())
    assert seen == [15, 15]
