"""An event loop in a thread of its own."""

import asyncio
import threading

import pytest

from s3gate.demo.loop_thread import LoopThread


def test_a_coroutine_runs_in_the_thread_and_its_result_comes_back() -> None:
    async def where() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    with LoopThread() as loop:
        assert loop.run(where()) == "servers"


def test_an_error_comes_back() -> None:
    async def fails() -> None:
        raise LookupError("no")

    with LoopThread() as loop, pytest.raises(LookupError, match="no"):
        loop.run(fails())


def test_what_still_runs_is_cancelled_at_the_end() -> None:
    ended = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        return task

    with LoopThread() as loop:
        task = loop.run(start())
    assert ended.is_set()
    assert task.cancelled()
