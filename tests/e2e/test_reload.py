"""A new policy under load: no verdict by half of two, tunnels and transfers as the setting says."""

import asyncio
import itertools
import time
from collections import Counter
from pathlib import Path

import pytest

from drive.wait import until
from e2e.fake_s3 import Seen, read_head
from e2e.front_door import get, tunnel
from e2e.rig import GOOD, OTHER, POLICY, Rig, run_rig
from s3gate.audit.journal import Journal
from s3gate.audit.reader import read_records
from s3gate.in_force import Follower, News, PolicyInForce
from s3gate.loading import Loaded
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy

RELOADS = 10_000
RECORDED = (
    100  # each so many-th goes the whole way, with its record; the others swap at the next turn of the loop
)
CLIENTS = 8
TEXT = POLICY.replace("PLAIN", "deny")
FIRST = parse_policy(TEXT.encode())
# The same bucket under another name of its rule, and all keys that begin with `x` refused.
SECOND = parse_policy(TEXT.replace("id: good,", "id: better, keys: [k*],").encode())
NO_GOOD = parse_policy(TEXT.replace("bucket: good-bucket", "bucket: new-bucket").encode())
# The CONNECT itself is refused where the bucket is not listed.
CLOSED = parse_policy(
    (TEXT.replace("bucket: good-bucket", "bucket: new-bucket") + "deny_at: connect\n").encode()
)
POLICIES = {one.digest: one for one in (FIRST, SECOND)}


def loaded(policy: Policy) -> Loaded:
    return Loaded(policy, "policy.yaml", policy.digest)


async def ask(rig: Rig, numbers: "itertools.count[int]", over: asyncio.Event, told: dict[str, int]) -> None:
    """One client: a request after the other; each tenth is for a key that only the first policy allows."""
    while not over.is_set():
        async with tunnel(rig.gate.port, rig.client_context) as (reader, writer):
            while not over.is_set():
                number = next(numbers)
                answer = await get(reader, writer, f"x{number}" if number % 10 == 0 else f"k{number}")
                told[f"{number}"] = answer.status
                if answer.status != 200:
                    break


async def test_ten_thousand_reloads_under_eight_busy_clients_leave_no_verdict_unexplained(
    tmp_path: Path,
) -> None:
    """Each verdict is what the one policy says that its record names, and each client was told that verdict."""
    journal = Journal.open(tmp_path / "audit", "w", b"k" * 32, 2**30)
    in_force = PolicyInForce(loaded(FIRST))
    async with run_rig(tmp_path, in_force=in_force) as rig:

        def renewed() -> None:
            rig.gate.renew(strict=False)

        follower = Follower(in_force, journal, renewed)
        over, told, numbers = asyncio.Event(), dict[str, int](), itertools.count(1)
        clients = [asyncio.create_task(ask(rig, numbers, over, told)) for _ in range(CLIENTS)]
        began = time.monotonic()
        for number in range(2, RELOADS + 2):
            policy = FIRST if number % 2 == 0 else SECOND
            if number % RECORDED:
                in_force.swap(policy, number)
                rig.gate.renew(strict=False)
                await asyncio.sleep(0)
                continue
            await follower.follow(News(number, "policy.yaml"), lambda: loaded(FIRST))
            assert in_force.current() is FIRST
        took = time.monotonic() - began
        over.set()
        await asyncio.gather(*clients)
        decided = list(rig.recorder.decisions)
    journal.close()
    print(f"{RELOADS} reloads in {took:.1f} s, {len(decided)} verdicts")
    seen: Counter[tuple[str, Reason, str | None]] = Counter()
    for one in decided:
        alone = decide_request(POLICIES[one.decision.policy], one.request)
        assert (one.decision.reason, one.decision.rule) == (alone.reason, alone.rule)
        asked = one.request.target.strip("/").lstrip("xk")
        assert (told[asked] == 200) is one.decision.allowed
        seen[one.decision.policy, one.decision.reason, one.decision.rule] += 1
    assert set(seen) == {
        (FIRST.digest, Reason.ALLOWED_BY_RULE, "good"),
        (SECOND.digest, Reason.ALLOWED_BY_RULE, "better"),
        (SECOND.digest, Reason.KEY_NOT_ALLOWED, "better"),
    }, seen
    assert len(told) == len(decided) > 1000
    changes = [(one["before"], one["policy"]) for one in read_records(tmp_path / "audit")]
    assert changes == [(SECOND.digest, FIRST.digest)] * (RELOADS // RECORDED)


async def swap(rig: Rig, policy: Policy, *, strict: bool = False) -> int:
    rig.source.policy = policy
    return rig.gate.renew(strict=strict)


async def test_the_next_request_in_an_open_tunnel_is_judged_by_the_new_policy(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig, tunnel(rig.gate.port, rig.client_context) as (reader, writer):
        assert (await get(reader, writer, "k")).status == 200
        assert await swap(rig, NO_GOOD) == 0, "its CONNECT is still let on: the refusal is told inside"
        assert (await get(reader, writer, "k")).status == 403
        assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.BUCKET_NOT_LISTED]
        assert rig.recorder.decisions[1].decision.policy == NO_GOOD.digest


async def test_an_idle_tunnel_whose_connect_is_refused_now_is_closed(tmp_path: Path) -> None:
    async with (
        run_rig(tmp_path) as rig,
        tunnel(rig.gate.port, rig.client_context) as (reader, writer),
        tunnel(rig.gate.port, rig.client_context, OTHER) as (listed, asks),
    ):
        assert (await get(reader, writer, "k")).status == 200
        assert await swap(rig, CLOSED) == 1
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert (await get(listed, asks, "k", OTHER)).status == 200
        assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE] * 2, "nobody asked for anything: no refusal"


@pytest.mark.parametrize("strict", [False, True], ids=["graceful", "strict"])
async def test_a_transfer_in_flight_finishes_unless_its_reload_is_strict(
    tmp_path: Path, strict: bool
) -> None:
    go_on = asyncio.Event()

    async def slow(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(seen, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await writer.drain()
        await go_on.wait()
        writer.write(b"cd")
        await writer.drain()

    async with run_rig(tmp_path) as rig:
        rig.s3.script = slow
        async with tunnel(rig.gate.port, rig.client_context) as (reader, writer):
            writer.write(f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\nab")
            assert await swap(rig, CLOSED, strict=strict) == strict
            if not strict:
                go_on.set()
            assert await asyncio.wait_for(reader.read(), 5) == (b"" if strict else b"cd")
            go_on.set()
        (ended,) = await rig.recorder.wait_completions(1)
        if strict:
            assert (ended.complete, ended.reason) == (False, Reason.BUCKET_NOT_LISTED)
            assert ended.detail == "a new policy refuses this: its reload is strict"
        else:
            assert (ended.complete, ended.reason) == (True, None)
        await until(lambda: rig.gate.connections == 0)


async def test_a_strict_reload_leaves_what_the_new_policy_allows(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig, tunnel(rig.gate.port, rig.client_context) as (reader, writer):
        assert (await get(reader, writer, "k")).status == 200
        assert await swap(rig, SECOND, strict=True) == 0
        assert (await get(reader, writer, "k")).status == 200
        assert [one.decision.policy for one in rig.recorder.decisions] == [FIRST.digest, SECOND.digest]


async def test_without_a_policy_nothing_passes_until_there_is_one(tmp_path: Path) -> None:
    in_force = PolicyInForce(None)
    async with run_rig(tmp_path, in_force=in_force) as rig:
        async with await rig.connect() as early:
            await early.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
            assert (await early.read_head()).startswith(b"HTTP/1.1 503 POLICY_UNAVAILABLE\r\n")
        in_force.swap(FIRST, 1)
        async with tunnel(rig.gate.port, rig.client_context) as (reader, writer):
            assert (await get(reader, writer, "k")).status == 200
        assert not rig.s3.heads[1:]
