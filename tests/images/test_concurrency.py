"""A worker handles a limited number of requests at once; the others wait."""

import asyncio
from typing import Any

from mlflow_platform_server.concurrency import ConcurrencyLimit


class Loop:
    """The thread limit of an event loop, with anyio's default."""

    total_tokens = 40.0


def test_the_limit_is_set_from_the_first_request_on() -> None:
    loop = Loop()
    seen: list[float] = []

    async def app(*_: Any) -> None:  # noqa: ANN401 - ASGI
        seen.append(loop.total_tokens)

    async def unused(*_: Any) -> Any:  # noqa: ANN401 - ASGI
        raise AssertionError("the limit neither reads nor answers")

    async def ask() -> None:
        bounded = ConcurrencyLimit(app, 15, limiter=lambda: loop)
        await bounded({"type": "http"}, unused, unused)
        await bounded({"type": "http"}, unused, unused)

    asyncio.run(ask())
    assert seen == [15, 15]
