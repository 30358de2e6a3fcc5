"""Limits of a gate with several workers, as deployed: one number for all, and what they end stands in the metrics."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from e2e.fake_s3 import Seen, read_head
from e2e.front_door import SECONDS, FrontDoor, front_door, get, tunnel, until, workers_of
from e2e.rig import GOOD

pytestmark = pytest.mark.e2e

MOST = 8


@contextlib.asynccontextmanager
async def full(port: int, door: FrontDoor, count: int) -> AsyncIterator[None]:
    """So many open tunnels, wherever the kernel puts them."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(tunnel(port, door.context))
        yield


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once something holds that other processes bring about without telling."""
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110 - as in `until`
            await asyncio.sleep(0.05)


async def comes_in(port: int, door: FrontDoor) -> bool:
    try:
        async with tunnel(port, door.context) as (reader, writer):
            return (await get(reader, writer, "k")).status == 200
    except ConnectionRefusedError:
        return False
    except ConnectionError as exc:
        assert "503 LIMIT_EXCEEDED" in str(exc)  # noqa: PT017 - whatever else broke is told as it is
        return False


async def test_all_workers_together_keep_the_limit(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        process, port, _ = await door.start(limits=f"connections: {MOST}")
        async with full(port, door, MOST):
            assert not any([await comes_in(port, door) for _ in range(6)])
        assert door.asked == []
        await eventually(lambda: comes_in(port, door))  # once the gate has seen the ends of the others
        assert await door.metric('s3gate_decisions_total{decision="deny",reason="LIMIT_EXCEEDED"}') >= 6
        assert (await door.stop(process))[0] == 0


async def test_what_a_killed_worker_held_open_counts_no_more(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        process, port, _ = await door.start(limits=f"connections: {MOST}")
        async with full(port, door, MOST):
            before = workers_of(process)
            for worker in before:
                os.kill(worker, signal.SIGKILL)
            await until(lambda: len(now := workers_of(process)) == 2 and not now & before)
            await eventually(lambda: comes_in(port, door))  # once one listens
        for name in ("s3gate_connections", "s3gate_tunnels"):
            await eventually(lambda: door.shows(name, 0))  # noqa: B023 - it is awaited here
        assert (await door.stop(process))[0] == 0


async def test_a_worker_is_replaced_while_the_gate_is_full(tmp_path: Path) -> None:
    """The self-test of a new worker is not turned away."""
    async with front_door(tmp_path) as door:
        process, port, _ = await door.start(limits=f"connections: {MOST}")
        before = workers_of(process)
        async with full(port, door, MOST):
            victim = min(before)
            os.kill(victim, signal.SIGKILL)
            await until(lambda: len(now := workers_of(process)) == 2 and victim not in now)
            await eventually(lambda: door.shows("s3gate_workers", 2))
        assert (await door.stop(process))[0] == 0


async def test_what_ends_by_a_limit_is_counted_with_its_reason(tmp_path: Path) -> None:
    async def stalled(seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        await reader.read()

    async with front_door(tmp_path) as door:
        door.s3.script = stalled
        process, port, _ = await door.start(limits="idle_s: 1")
        async with tunnel(port, door.context) as (reader, writer), tunnel(port, door.context) as (idle, _):
            writer.write(f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
            assert await reader.read() == b""
            assert await idle.read() == b""
        async with tunnel(port, door.context) as (_, writer):
            writer.write(f"PUT /k HTTP/1.1\r\nHost: {GOOD}\r\nContent-Length: 10\r\n\r\n12345".encode())
            await until(lambda: len(door.asked) == 2)
        for name, count in {
            's3gate_transfers_failed_total{reason="TIMEOUT"}': 1,
            's3gate_transfers_failed_total{reason="client_closed"}': 1,
            's3gate_connections_cut_total{reason="TIMEOUT"}': 2,
        }.items():
            await eventually(lambda: door.shows(name, count))  # noqa: B023 - it is awaited here
        assert (await door.stop(process))[0] == 0
