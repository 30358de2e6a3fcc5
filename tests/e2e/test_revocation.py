"""A bucket, or a user, is taken away while a request is on its way to its verdict: which policy has the word.

A head that is not whole, or that waits for the name server, is judged by what is in force
when that is over. A verdict that waits for the disk stands, in its record by the digest of
the policy that made it; with a strict reload it is cut before a byte of it goes anywhere.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import bcrypt
import pytest

from drive.wait import until
from e2e.fake_s3 import answering
from e2e.rig import GOOD, POLICY, SECONDS, MemoryRecorder, RawClient, Rig, run_rig
from e2e.test_users import ALICE, PASSWORD, connect
from s3gate.audit.heartbeat import Tally
from s3gate.audit.journal import Journal
from s3gate.audit.reader import read_records
from s3gate.audit.segment import list_segments
from s3gate.audit.verification import verify
from s3gate.demo.dns_server import DnsServer
from s3gate.health.metrics import Metrics
from s3gate.in_force import Follower, News, PolicyInForce
from s3gate.loading import Loaded
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.proxy.connection import GateConnection
from s3gate.proxy.ports import Completion, Upstream
from s3gate.recorder import JournalRecorder

pytestmark = pytest.mark.e2e

KEY = b"k" * 32
TEXT = POLICY.replace("PLAIN", "deny")
WIDE = parse_policy(TEXT.encode())
NARROW = parse_policy(TEXT.replace("bucket: good-bucket", "bucket: new-bucket").encode())
PEOPLE = parse_policy(
    TEXT.replace("rules:", "clients: {people: {users: [alice]}}\nrules:")
    .replace("delete]}", "delete], clients: [people]}")
    .encode()
)
GET = f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()


@dataclass
class Journalled(MemoryRecorder):
    """Writes into a journal too, first."""

    into: JournalRecorder | None = None

    async def decision(
        self, decision: Decision, request: Request, upstream: Upstream | None, decision_id: str
    ) -> None:
        assert self.into is not None
        await self.into.decision(decision, request, upstream, decision_id)
        await super().decision(decision, request, upstream, decision_id)

    def completion(self, completion: Completion) -> None:
        assert self.into is not None
        self.into.completion(completion)
        super().completion(completion)

    async def settle(self) -> None:
        assert self.into is not None
        await self.into.settle()


class SlowNames(asyncio.DatagramProtocol):
    """Stands before a name server, and keeps what it answers until it may."""

    def __init__(self) -> None:
        self.names: DnsServer | None = None
        self.waiting: list[tuple[bytes, tuple[str, int]]] = []
        self.held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.names is not None
        answer = self.names.respond(data, udp=True)
        assert answer is not None
        self.waiting.append((answer, addr))
        if not self.held:
            self.let_go()

    def let_go(self) -> None:
        self.held = False
        for answer, addr in self.waiting:
            self._transport.sendto(answer, addr)
        self.waiting.clear()

    def close(self) -> None:
        self._transport.close()


@dataclass
class Disk:
    """What `fdatasync` waits for."""

    free: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)

    def slow(self, patch: pytest.MonkeyPatch) -> None:
        sync = os.fdatasync

        def held(fd: int) -> None:
            self.waiting.set()
            assert self.free.wait(SECONDS)
            sync(fd)

        patch.setattr(os, "fdatasync", held)


@dataclass
class Scene:
    """A gate with a journal and a slow name server, whose policy follows its news."""

    rig: Rig
    names: SlowNames
    in_force: PolicyInForce
    journal: Journal
    strict: bool
    number: int = 1

    def take_away(self) -> "asyncio.Task[None]":
        """News of a policy without the bucket, followed as a worker does."""
        self.number += 1
        follower = Follower(
            self.in_force, self.journal, lambda: void(self.rig.gate.renew(strict=self.strict))
        )
        loaded = Loaded(NARROW, "policy.yaml", NARROW.digest)
        return asyncio.create_task(follower.follow(News(self.number, "policy.yaml"), lambda: loaded))

    @property
    def records(self) -> list[tuple[object, object, object]]:
        """Event, reason and policy of each, in the journal's order."""
        found = read_records(self.journal.directory)
        return [(one["event"], one.get("reason"), one.get("policy")) for one in found]

    @property
    def whole(self) -> bool:
        """Whether the journal verifies."""
        segments = list_segments(self.journal.directory)
        return verify([line for one in segments for line in one.path.read_bytes().splitlines()], KEY) == []


def void(_: object) -> None: ...


@asynccontextmanager
async def scene(
    tmp_path: Path, *, strict: bool = False, first: Policy = WIDE, **settings: object
) -> AsyncIterator[Scene]:
    names = SlowNames()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: names, ("127.0.0.1", 0))
    journal = Journal.open(tmp_path / "audit", "w", KEY, 2**24)
    recorder = Journalled(into=JournalRecorder(journal, Metrics(), Tally()))
    in_force = PolicyInForce(Loaded(first, "policy.yaml", first.digest))
    given = {"nameservers": (f"127.0.0.1:{names.port}",), "dns_timeout_s": SECONDS, **settings}
    try:
        async with run_rig(tmp_path, in_force=in_force, recorder=recorder, **given) as rig:  # type: ignore[arg-type] # a test's keywords
            names.names = rig.dns
            yield Scene(rig, names, in_force, journal, strict)
    finally:
        journal.close()
        names.close()


def connection(at: Scene) -> GateConnection:
    """The client's, on the gate's side."""
    assert at.rig.gate._listener is not None
    (one,) = at.rig.gate._listener.handlers
    return one


async def hold_head(at: Scene, client: RawClient) -> Callable[[], object]:
    """Half of a head is there."""
    await client.send(GET[:-7])
    await until(lambda: connection(at)._timers)  # that of a head which is not whole
    return lambda: client.writer.write(GET[-7:])


async def hold_names(at: Scene, client: RawClient) -> Callable[[], object]:
    """The name server has been asked, and does not answer yet."""
    at.names.held = True
    await client.send(GET)
    await until(lambda: at.names.waiting)
    return at.names.let_go


@pytest.mark.parametrize("strict", [False, True], ids=["graceful", "strict"])
@pytest.mark.parametrize("hold", [hold_head, hold_names], ids=["half a head", "the name server"])
async def test_what_waits_is_judged_by_the_new_policy(
    tmp_path: Path, hold: Callable[[Scene, RawClient], Awaitable[Callable[[], object]]], strict: bool
) -> None:
    async with scene(tmp_path, strict=strict) as at:
        async with await at.rig.tunnel() as client:
            let_go = await hold(at, client)
            await at.take_away()
            let_go()
            answer = await client.read_answer()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"x-s3gate-reason: BUCKET_NOT_LISTED\r\n" in answer
        assert not at.rig.s3.touched
        assert at.records == [
            ("policy", None, NARROW.digest),
            ("egress", "BUCKET_NOT_LISTED", NARROW.digest),
        ]
        assert at.whole


async def test_a_verdict_that_waits_for_the_disk_stands_and_its_record_names_the_policy_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the journal before the new policy is: their records wait in one queue."""
    disk = Disk()
    async with scene(tmp_path) as at:
        async with await at.rig.tunnel() as client:
            disk.slow(monkeypatch)
            await client.send(GET)
            await asyncio.to_thread(disk.waiting.wait, SECONDS)
            taken = at.take_away()
            assert not at.rig.s3.touched
            disk.free.set()
            await taken
            assert (await client.read_answer()).endswith(b"hello from /k")
            await client.send(GET)
            assert b"BUCKET_NOT_LISTED" in await client.read_answer()
        assert at.rig.s3.heads == [GET]
        assert [one for one in at.records if one[0] != "completion"] == [
            ("egress", "ALLOWED_BY_RULE", WIDE.digest),
            ("policy", None, NARROW.digest),
            ("egress", "BUCKET_NOT_LISTED", NARROW.digest),
        ]
        assert at.whole


@pytest.mark.parametrize("kept", [False, True], ids=["a new connection", "a kept connection"])
async def test_a_strict_reload_cuts_a_verdict_that_waits_for_the_disk_before_a_byte_of_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    disk = Disk()
    async with scene(tmp_path, strict=True) as at:
        async with await at.rig.tunnel() as client:
            if kept:
                await client.send(GET)
                await client.read_answer()
            disk.slow(monkeypatch)
            taken = at.take_away()  # its record comes before that of the verdict
            await asyncio.to_thread(disk.waiting.wait, SECONDS)
            await client.send(GET.replace(b"/k", b"/late"))
            await until(lambda: at.journal._pending_bytes)  # the verdict is handed over behind it
            disk.free.set()
            await taken
            assert await client.read_all() == b""
        ended = (await at.rig.recorder.wait_completions(1 + kept))[-1]
        assert (ended.complete, ended.reason, ended.status) == (False, Reason.BUCKET_NOT_LISTED, None)
        assert at.rig.recorder.decisions[-1].decision_id == ended.decision_id
        assert at.rig.s3.heads == [GET] * kept
        assert len(at.rig.s3.connections) == kept
        verdicts = [one for one in at.records if one[0] != "completion"]
        assert verdicts[-2:] == [("policy", None, NARROW.digest), ("egress", "ALLOWED_BY_RULE", WIDE.digest)]
        assert at.whole


async def test_a_strict_reload_cuts_no_request_for_what_the_one_before_it_asked(tmp_path: Path) -> None:
    only_x = parse_policy(TEXT.replace("id: good,", "id: good, keys: [x],").encode())
    async with scene(tmp_path, strict=True) as at:
        async with await at.rig.tunnel() as client:
            at.rig.s3.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # and closes
            await client.send(GET)
            await client.read_answer()
            await until(at.rig.s3.connections[0].ended.is_set)
            at.names.held = True
            await client.send(GET.replace(b"/k", b"/x"))
            await until(lambda: at.names.waiting)
            at.in_force.swap(only_x, 2)
            assert at.rig.gate.renew(strict=True) == 0
            at.names.let_go()
            assert (await client.read_answer()).endswith(b"ok")
        verdicts = [(reason, policy) for event, reason, policy in at.records if event == "egress"]
        assert verdicts == [("ALLOWED_BY_RULE", WIDE.digest), ("ALLOWED_BY_RULE", only_x.digest)]
        assert at.whole


async def test_a_user_who_is_deleted_while_the_name_server_is_slow_is_refused(tmp_path: Path) -> None:
    users = {"alice": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}
    async with scene(tmp_path, first=PEOPLE, users=users) as at:
        passwords = at.rig.gate.addon.services.passwords
        assert passwords is not None
        client, _ = await connect(at.rig, ALICE)
        async with client:
            await client.start_tls(GOOD)
            let_go = await hold_names(at, client)
            passwords.renew({})
            let_go()
            answer = await client.read_answer()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"x-s3gate-reason: PROXY_AUTH_REQUIRED\r\n" in answer
        assert not at.rig.s3.touched
        assert at.records == [("egress", "PROXY_AUTH_REQUIRED", PEOPLE.digest)]
        assert at.whole
