"""Waiting for what the gate tells nobody: that something is gone."""

import asyncio
from collections.abc import Callable

SECONDS = 5.0


async def until(condition: Callable[[], object]) -> None:
    """Return once `condition` holds, or fail at the deadline."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event for an absence
            await asyncio.sleep(0)
