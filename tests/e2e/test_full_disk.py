"""A disk that is really full, under the real gate, while its policy or its users change.

The audit directory is a small tmpfs in a mount namespace of the gate's own. Nothing passes
while nothing can be recorded; a wider policy is not in force before its record is, a
narrower one is when there is room again, and nobody need do anything for it.
"""

import asyncio
import contextlib
import json
import os
import signal
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from e2e.front_door import SECONDS, FrontDoor, Process, front_door, get, tunnel, workers_of
from e2e.rig import EVIL, GOOD, POLICY
from gate_process import ask
from s3gate.audit.reader import list_writers, read_records
from s3gate.audit.segment import list_segments
from s3gate.audit.verification import verify
from s3gate.control import ask_reload

pytestmark = [pytest.mark.e2e, pytest.mark.needs_program("unshare", "mount")]

NAMESPACES = ("--mount",) if os.geteuid() == 0 else ("--user", "--map-root-user", "--mount")
SMALL = 'mount -t tmpfs -o size=512k,mode=700 s3gate audit && exec "$@"'
WIDE = POLICY.replace("PLAIN", "deny")
NARROW = WIDE.replace("bucket: good-bucket", "bucket: new-bucket")
PEOPLE = WIDE.replace("rules:", "clients: {people: {users: [alice, bob]}}\nrules:").replace(
    "delete]}", "delete], clients: [people]}"
)
FULL = "AUDIT_UNAVAILABLE"


@dataclass
class Small:
    """A gate whose disk is small, with what is seen of it from outside."""

    door: FrontDoor
    process: Process
    port: int
    health: int
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Take what it says: on a full disk that is more than a pipe holds."""
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):
            for line in self.process.stderr:
                self.said.append(line)

    @property
    def audit(self) -> Path:
        """Its audit directory, as it sees it itself."""
        return Path(f"/proc/{self.process.pid}/root{self.door.directory}/audit")

    async def ask(self, host: str = GOOD, user: str = "") -> str:
        """`200`, or the reason with which it was refused; `gone` where nobody answers."""
        credentials = b64encode(f"{user}:{user}".encode()).decode()
        lines = f"Proxy-Authorization: Basic {credentials}\r\n" if user else ""
        try:
            async with (
                asyncio.timeout(SECONDS),
                tunnel(self.port, self.door.context, host, b"", lines) as both,
            ):
                answer = await get(*both, "k", host)
        except (ConnectionRefusedError, ConnectionResetError, asyncio.IncompleteReadError):
            return "gone"
        except ConnectionError as exc:  # the CONNECT was refused
            return "CONNECT: " + str(exc).partition("x-s3gate-reason: ")[2].split()[0]
        return answer.headers.get("x-s3gate-reason", str(answer.status)).upper()

    @asynccontextmanager
    async def full(self) -> AsyncIterator[None]:
        """No room meanwhile: a file takes what is free, and records what is left of the last pages."""
        path, seen = self.audit / "fill", list[str]()

        async def fill() -> None:
            """Again and again: what a record did not get, and gave back, is taken too."""
            with path.open("wb", buffering=0) as file:
                while True:
                    with contextlib.suppress(OSError):
                        while file.write(bytes(4096)):
                            pass
                    await asyncio.sleep(0.005)

        async def refused() -> bool:
            seen.append((await self.ask(EVIL)).removeprefix("CONNECT: "))
            return seen[-16:] == [FULL] * 16  # each worker has a last page, and its part of the clients

        filling = asyncio.create_task(fill())
        try:
            await self.until(refused)
            yield
        finally:
            filling.cancel()
            await asyncio.wait([filling])
            path.unlink()

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(SECONDS):
            while not await holds():  # noqa: ASYNC110 - another process tells nothing
                await asyncio.sleep(0.02)

    def put(self, name: str, text: str) -> None:
        """Another policy, or other users."""
        (self.door.directory / "new").write_text(text)
        (self.door.directory / "new").replace(self.door.directory / name)

    @property
    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Those of each writer; together they verify."""
        writers = list_writers(self.audit)
        segments = [one for path in writers for one in list_segments(path)]
        key = bytes.fromhex((self.door.directory / "audit.key").read_text())
        assert verify([line for one in segments for line in one.path.read_bytes().splitlines()], key) == []
        return {path.name: [dict(one) for one in read_records(path)] for path in writers}


@asynccontextmanager
async def small(tmp_path: Path, policy: str, workers: int, more: str = "") -> AsyncIterator[Small]:
    deep = (
        tmp_path / ("long" * 50) / ("longer" * 40)
    )  # the record of a policy, which names it, is the longest
    (deep / "audit").mkdir(parents=True)
    async with front_door(deep, policy) as door:
        before = ("unshare", *NAMESPACES, "sh", "-c", f"cd '{deep}' && {SMALL}", "sh")
        process, port, health = await door.start(workers=workers, more=more, before=before)
        gate = Small(door, process, port, health)
        listener = threading.Thread(target=gate.listen)
        listener.start()
        try:
            yield gate
        finally:
            process.terminate()
            await asyncio.to_thread(listener.join)
        assert (await door.stop(process))[0] == 0


def assert_recorded_before_it_judged(records: dict[str, list[dict[str, Any]]]) -> None:
    """Each verdict names a policy whose own record stands before it in the same journal."""
    for own in records.values():
        known: set[object] = set()
        for one in own:
            if one["event"] == "policy":
                known.add(one["policy"])
            assert one["event"] != "egress" or one["policy"] in known


@pytest.mark.parametrize(
    ("first", "second", "ends", "workers"),
    [(NARROW, WIDE, "200", 2), (WIDE, NARROW, "BUCKET_NOT_LISTED", 1)],
    ids=["wider", "narrower"],
)
async def test_a_policy_that_cannot_be_recorded_comes_when_there_is_room(
    tmp_path: Path, first: str, second: str, ends: str, workers: int
) -> None:
    async with small(tmp_path, first, workers) as gate:
        begins = await gate.ask()
        touched = len(gate.door.asked)

        async def kept_by_each() -> bool:
            return (
                sum("the policy stays as it is for now: journal" in one for one in gate.said) >= 2 * workers
            )

        async with gate.full():
            gate.put("policy.yaml", second)
            await gate.until(kept_by_each)  # each tries again every second, and says why not
            assert {await gate.ask() for _ in range(10)} == {FULL}
            assert len(gate.door.asked) == touched, "nothing passes"
        seen: list[str] = []

        async def settled() -> bool:
            seen.append(await gate.ask())
            return seen[-10:] == [ends] * 10

        await gate.until(settled)
        assert set(seen) <= {FULL, begins, ends}
        records = gate.records
        assert_recorded_before_it_judged(records)
        changes = [
            one for own in records.values() for one in own if one["event"] == "policy" and one["before"]
        ]
        assert len(changes) == workers, "each recorded it, once"
        allowed = [one for own in records.values() for one in own if one.get("decision") == "allow"]
        assert len(allowed) == len(gate.door.asked)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gate_that_cannot_record_is_not_ready(tmp_path: Path, workers: int) -> None:
    """The load balancer takes it out; it is ready again with the first record that finds room."""
    async with small(tmp_path, WIDE, workers) as gate:

        async def ready() -> tuple[int, str]:
            status, page = await asyncio.to_thread(ask, gate.health, "/readyz")
            return status, json.loads(page)["journal"]

        async def refuses() -> bool:
            status, journal = await ready()
            return status == 503 and "has no room on its disk" in journal

        async def records() -> bool:
            return await gate.ask() == "200" and await ready() == (200, "writable")

        assert await ready() == (200, "writable")
        async with gate.full():
            await gate.until(refuses)
        await gate.until(records)


async def test_workers_killed_on_a_full_disk_come_back_when_there_is_room(tmp_path: Path) -> None:
    """With the new policy; none of them serves before that one is recorded."""
    async with small(tmp_path, WIDE, 2) as gate:
        assert await gate.ask() == "200"

        async def nobody() -> bool:
            return await gate.ask() == "gone"

        async with gate.full():
            for worker in workers_of(gate.process):
                os.kill(worker, signal.SIGKILL)
            await gate.until(nobody)
            gate.put("policy.yaml", NARROW)
            await asyncio.to_thread(ask_reload, gate.audit)
            assert {await gate.ask() for _ in range(5)} == {"gone"}, "none starts that cannot record"

        async def refused() -> bool:
            answer = await gate.ask()
            assert answer in {"gone", "BUCKET_NOT_LISTED"}
            return answer == "BUCKET_NOT_LISTED"

        await gate.until(refused)
        assert len(gate.door.asked) == 1
        assert_recorded_before_it_judged(gate.records)


def users(*names: str) -> str:
    return "".join(f"{one}:{bcrypt.hashpw(one.encode(), bcrypt.gensalt(4)).decode()}\n" for one in names)


async def test_users_who_come_and_go_on_a_full_disk(tmp_path: Path) -> None:
    """Who was deleted is refused as soon as anybody is answered; what the new one does is recorded."""
    (tmp_path / "users").write_text(users("alice"))
    async with small(tmp_path, PEOPLE, 1, f"users: {tmp_path / 'users'}\n") as gate:
        assert await gate.ask(user="alice") == "200"
        assert await gate.ask(user="bob") == "CONNECT: PROXY_AUTH_REQUIRED"

        async def changed() -> bool:
            return [await gate.ask(user=one) for one in ("bob", "alice")] == [FULL, f"CONNECT: {FULL}"]

        async with gate.full():
            (tmp_path / "new").write_text(users("bob"))
            (tmp_path / "new").replace(tmp_path / "users")
            await gate.until(changed)
            assert len(gate.door.asked) == 1
        assert await gate.ask(user="alice") == "CONNECT: PROXY_AUTH_REQUIRED"
        assert await gate.ask(user="bob") == "200"
        (own,) = gate.records.values()
        last = [one for one in own if one["event"] == "egress"][-2:]
        assert [(one["reason"], one["client"]["user"]) for one in last] == [
            ("PROXY_AUTH_REQUIRED", None),
            ("ALLOWED_BY_RULE", "bob"),
        ]
