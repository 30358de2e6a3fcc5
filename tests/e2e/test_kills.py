"""SIGKILL of workers, one or both, in a flood, while policy and users change: no record goes with them.

Everything is random but seeded: when, whom, and what goes on meanwhile. What reached S3 has
its allow in a journal, what a client was refused its denial, under the id it was told.
"""

import asyncio
import contextlib
import os
import random
import signal
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from e2e.front_door import FrontDoor, Process, front_door, get, tunnel, until, workers_of
from e2e.rig import EVIL, GOOD, OTHER, POLICY
from s3gate.audit.reader import list_writers, read_records
from s3gate.audit.segment import list_segments
from s3gate.audit.verification import verify
from s3gate.control import NoGate, ask_reload

pytestmark = pytest.mark.e2e

SEED = 20261122
GATES = (
    5  # the kills of one gate have longer and longer rests between them: the next gate takes its journals up
)
ROUNDS = 3  # of kills, of each gate
CLIENTS = 6
LINES = f"Proxy-Authorization: Basic {b64encode(b'alice:alice').decode()}\r\n"
PEOPLE = POLICY.replace("rules:", "clients: {people: {users: [alice]}}\nrules:").replace(
    "delete]}", "delete], clients: [people]}"
)


@dataclass
class Flood:
    """Clients that ask for what is allowed, for what is not, and for what is so now and then.

    Args:
        door: the gate's surroundings.
        port: of the gate.
    """

    door: FrontDoor
    port: int
    numbers: "count[int]"
    allowed: set[str] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    broken: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def client(self, pick: random.Random) -> None:
        while not self.over.is_set():
            host = pick.choice((GOOD, GOOD, OTHER, EVIL))
            try:
                async with (
                    asyncio.timeout(10),
                    tunnel(self.port, self.door.context, host, b"", LINES) as both,
                ):
                    for _ in range(pick.randint(1, 10)):
                        if not await self.one(*both, host) or self.over.is_set():
                            break
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                self.broken += 1
                await asyncio.sleep(0.01)

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> bool:
        """Ask once; whether the connection goes on."""
        key = f"key-{next(self.numbers)}"
        answer = await get(reader, writer, key, host)
        if answer.status == 200:
            self.allowed.add(key)
        else:
            assert answer.status == 403
            self.denied[answer.headers["x-amz-request-id"].upper()] = key
        return answer.headers.get("connection") != "close"


def users(*names: str) -> str:
    return "".join(f"{one}:{bcrypt.hashpw(one.encode(), bcrypt.gensalt(4)).decode()}\n" for one in names)


def put(door: FrontDoor, name: str, text: str) -> None:
    (door.directory / "new").write_text(text)
    (door.directory / "new").replace(door.directory / name)


async def disturb(door: FrontDoor, process: Process, pick: random.Random, number: int) -> int:
    """A new policy, or new users, or neither; meanwhile one worker or both are killed. Returns how many."""
    bucket = ("good-bucket", "new-bucket")[number % 2]
    put(
        door, "policy.yaml", door.policy.replace("bucket: good-bucket", f"bucket: {bucket}") + f"# {number}\n"
    )
    put(door, "users", users("alice", *("bob",) * (number % 3 == 0)))
    what = pick.choice(("reload", "hangup", "nothing"))
    reload = asyncio.create_task(asyncio.to_thread(ask, door)) if what == "reload" else None
    if what == "hangup":
        process.send_signal(signal.SIGHUP)
    await asyncio.sleep(pick.uniform(0.0, 0.6))
    await until(lambda: workers_of(process))
    victims = sorted(workers_of(process))
    victims = victims if pick.random() < 0.5 else victims[:1]
    for victim in victims:
        kill(victim)
    if reload is not None:
        await reload
    return len(victims)


def ask(door: FrontDoor) -> None:
    try:
        ask_reload(door.directory / "audit")
    except NoGate:
        return


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended just now
        os.kill(pid, signal.SIGKILL)


async def kill_all(door: FrontDoor, process: Process) -> None:
    """The supervisor and its workers at once, and see them off."""
    door.running.remove(process)
    for one in (process.pid, *workers_of(process)):
        kill(one)
    await asyncio.to_thread(process.wait)
    assert process.stderr is not None
    process.stderr.close()


async def run_gate(
    door: FrontDoor, pick: random.Random, numbers: "count[int]", *, killed: bool
) -> tuple[Flood, int]:
    """One gate in a flood, its workers killed in rounds, and at the end perhaps all of it."""
    process, port, _ = await door.start(workers=2, more=f"users: {door.directory / 'users'}\n")
    flood, kills = Flood(door, port, numbers), 0
    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(flood.client(random.Random(pick.random())))  # noqa: S311 - seeded on purpose
        for number in range(ROUNDS):
            wanted = len(flood.allowed) + len(flood.denied) + 30
            await until(lambda: len(flood.allowed) + len(flood.denied) >= wanted)  # noqa: B023 - awaited within the round
            kills += await disturb(door, process, pick, number)
        if killed:
            await kill_all(door, process)
        flood.over.set()
    if not killed:
        assert (await door.stop(process))[0] == 0
    return flood, kills


async def test_no_record_goes_with_a_killed_worker(tmp_path: Path) -> None:
    pick, numbers = random.Random(SEED), count(1)  # noqa: S311 - seeded on purpose
    allowed, denied, kills, broken = set[str](), dict[str, str](), 0, 0
    (tmp_path / "users").write_text(users("alice"))
    async with front_door(tmp_path, PEOPLE) as door:
        for number in range(GATES):
            flood, killed = await run_gate(door, pick, numbers, killed=number % 2 == 0)
            allowed, denied = allowed | flood.allowed, denied | flood.denied
            kills, broken = kills + killed, broken + flood.broken
        records: list[Any] = [one for one in door.records if one["event"] == "egress"]
        asked = door.asked
    print(f"{kills} kills, {len(allowed)} allowed, {len(denied)} denied, {broken} broken off")
    allows = Counter(one["request"]["key"] for one in records if one["decision"] == "allow")
    denials = {one["decision_id"]: one["request"]["key"] for one in records if one["decision"] == "deny"}
    assert kills >= GATES * ROUNDS
    assert allowed <= set(asked) <= set(allows), "whatever reached S3 was recorded before"
    assert set(allows.values()) == {1}
    assert len(asked) == len(set(asked)), "and nothing reached it twice"
    assert denied.items() <= denials.items(), "whoever read a refusal finds it under its id"
    assert {one["reason"] for one in records} == {"ALLOWED_BY_RULE", "BUCKET_NOT_LISTED"}
    key = bytes.fromhex((tmp_path / "audit.key").read_text())
    segments = [one for path in list_writers(tmp_path / "audit") for one in list_segments(path)]
    assert verify([line for one in segments for line in one.path.read_bytes().splitlines()], key) == []
    assert_each_verdict_names_a_policy_that_was_recorded_before(tmp_path / "audit")


def assert_each_verdict_names_a_policy_that_was_recorded_before(audit: Path) -> None:
    """In its own journal; and between two records of policies it is the first one's, or its successor's."""
    for path in list_writers(audit):
        known: set[object] = set()
        for one in read_records(path):
            if one["event"] == "policy":
                known = {one["policy"], one["before"]}
            assert one["event"] != "egress" or one["policy"] in known
