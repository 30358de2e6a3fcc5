"""What a reload took away is refused by whoever serves from then on, also by a worker that was just starting."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from e2e.front_door import FrontDoor, Process, front_door, get, tunnel, until, workers_of
from s3gate.control import ask_reload

pytestmark = pytest.mark.e2e


async def freeze_successor(process: Process) -> int:
    """Kill a worker, and stop the one that replaces it in the middle of its start."""
    before = workers_of(process)
    os.kill(min(before), signal.SIGKILL)
    await until(lambda: workers_of(process) - before)
    (fresh,) = workers_of(process) - before
    os.kill(fresh, signal.SIGSTOP)
    return fresh


async def revoke(door: FrontDoor) -> str:
    """A policy without the bucket that everybody asks for; what `s3gate reload` says of it."""
    policy = (door.directory / "policy.yaml").read_text()
    (door.directory / "new").write_text(policy.replace("bucket: good-bucket", "bucket: new-bucket"))
    (door.directory / "new").replace(door.directory / "policy.yaml")
    (answer,) = await asyncio.to_thread(ask_reload, door.directory / "audit")
    told: dict[str, str] = json.loads(answer)
    assert told["outcome"] == "changed", told
    return told["policy"]


async def test_a_worker_that_starts_during_a_reload_serves_by_the_new_policy_alone(tmp_path: Path) -> None:
    """It was handed the old policy before the reload, and heard of the new one when it first spoke."""
    async with front_door(tmp_path) as door:
        process, port, _ = await door.start()
        fresh = await freeze_successor(process)
        told = await revoke(door)
        os.kill(fresh, signal.SIGCONT)
        statuses: set[int] = set()
        while await door.metric("s3gate_workers") < 2 or len(statuses) == 0:
            async with tunnel(port, door.context) as (reader, writer):
                statuses.add((await get(reader, writer, "k")).status)
        for _ in range(20):  # the kernel gives each worker its part
            async with tunnel(port, door.context) as (reader, writer):
                statuses.add((await get(reader, writer, "k")).status)
        assert (await door.stop(process))[0] == 0
        assert statuses == {403}
        assert not door.s3.touched
        judged = [one for one in door.records if one["event"] == "egress"]
        assert {(one["reason"], one["policy"]) for one in judged} == {("BUCKET_NOT_LISTED", told)}
        assert len({one["writer"] for one in judged}) == 2, "both were asked"
