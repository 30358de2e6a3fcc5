"""The front door under load: restarts that lose no request, kills that lose no record, and a load balancer's header."""

import asyncio
import contextlib
import json
import os
import signal
import struct
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from e2e.front_door import FrontDoor, Load, front_door, get, tunnel, until, workers_of
from e2e.rig import EVIL, GOOD, POLICY, run_rig
from gate_process import ask
from s3gate.control import ask_reload
from s3gate.policy.decision import Reason
from s3gate.proxy.proxy_protocol import SIGNATURE

CLIENTS = 6
RELOADS = 5
VPCE = "vpce-08d2bf15fac5001c9"


def keys_of(door: FrontDoor, decision: str) -> list[str]:
    """Keys of the journals' verdicts of one kind."""
    records: list[Any] = [
        one for one in door.records if one["event"] == "egress" and one["decision"] == decision
    ]
    return [one["request"]["key"] for one in records]


async def test_new_policies_under_load_lose_no_request_and_no_worker(tmp_path: Path) -> None:
    """Each is asked for as `s3gate reload` does, and is in force in both workers when that returns."""
    async with front_door(tmp_path) as door:
        process, port, _ = await door.start()
        before, policy = workers_of(process), (tmp_path / "policy.yaml").read_text()
        load, digests = Load(port, door.context), list[str]()
        async with load.running(CLIENTS):
            for number in range(RELOADS):
                await load.more(20)
                (tmp_path / "new").write_text(f"{policy}# {number}\n")
                (tmp_path / "new").replace(tmp_path / "policy.yaml")
                (answer,) = await asyncio.to_thread(ask_reload, tmp_path / "audit")
                told = json.loads(answer)
                assert told["outcome"] == "changed", told
                digests.append(told["policy"])
            await load.more(20)
        assert workers_of(process) == before
        assert (await door.stop(process))[0] == 0
        assert load.bad == []
        assert sorted(door.asked) == sorted(load.good) == sorted(keys_of(door, "allow"))
        records = door.records
        judged = {str(one["policy"]) for one in records if one["event"] == "egress"}
        assert judged <= {digests[-1], *digests, str(records[0]["policy"])}
        assert digests[-1] in judged
        changes = [str(one["policy"]) for one in records if one["event"] == "policy" and one["before"]]
        assert sorted(changes) == sorted(digests * 2), "each worker has each"


async def test_two_gates_in_turn_on_one_port_lose_no_request(tmp_path: Path) -> None:
    async with front_door(tmp_path) as door:
        first, port, _ = await door.start()
        load = Load(port, door.context)
        async with load.running(CLIENTS):
            await load.more(50)
            second, same, _ = await door.start(port=port)
            assert same == port
            await load.more(50)
            assert (await door.stop(first))[0] == 0
            await load.more(50)
        assert (await door.stop(second))[0] == 0
        assert load.bad == []
        assert sorted(door.asked) == sorted(load.good) == sorted(keys_of(door, "allow"))


CHECK_S = 1.0  # between two health checks; a gate that leaves waits for three of them


async def test_while_the_balancer_learns_that_it_leaves_answers_end_their_connections(tmp_path: Path) -> None:
    """All workers hear it before any of them drains: who comes then is still let in, for one request."""
    over, told = asyncio.Event(), list[int]()

    async def check(health: int) -> None:
        while not over.is_set():
            told.append((await asyncio.to_thread(ask, health, "/readyz"))[0])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), CHECK_S)

    async with front_door(tmp_path) as door, asyncio.TaskGroup() as group:
        process, port, health = await door.start()
        group.create_task(check(health))
        ends = list[bool]()
        try:
            async with tunnel(port, door.context) as early:
                assert "connection" not in (await get(*early, "early")).headers
                await until(lambda: told.count(200) >= 2)
                process.send_signal(signal.SIGTERM)
                while ends[-8:] != [True] * 8:  # of both workers
                    async with tunnel(port, door.context) as late:
                        ends.append((await get(*late, "late")).headers.get("connection") == "close")
                assert (await get(*early, "last")).headers["connection"] == "close"
                assert told.count(503) < 3, "none drains yet"
        finally:
            over.set()
        assert (await door.stop(process))[0] == 0


async def test_a_killed_worker_takes_no_record_with_it(tmp_path: Path) -> None:
    """What reached S3 was allowed in a journal before; what was refused stands there too."""
    refused: list[str] = []

    async def ask_for_evil(port: int) -> None:
        try:
            async with asyncio.timeout(10), tunnel(port, door.context, EVIL) as (reader, writer):
                answer = await get(reader, writer, "x", EVIL)
                refused.append(answer.headers["x-amz-request-id"].upper())
        except (OSError, asyncio.IncompleteReadError):
            return  # its worker was killed: it was told nothing

    async with front_door(tmp_path) as door:
        process, port, _ = await door.start()
        load = Load(port, door.context)
        async with load.running(CLIENTS):
            for _ in range(3):
                await asyncio.gather(load.more(30), *(ask_for_evil(port) for _ in range(10)))
                victims = workers_of(process)
                os.kill(min(victims), signal.SIGKILL)
                await until(lambda: len(now := workers_of(process)) == 2 and now != victims)  # noqa: B023 - awaited within the round
        assert (await door.stop(process))[0] == 0
        assert len(load.bad) < len(load.good), "those of the killed workers alone"
        recorded = keys_of(door, "allow")
        assert len(set(recorded)) == len(recorded)
        assert set(door.asked) <= set(recorded)
        assert set(load.good) <= set(door.asked)
        ids = {one["decision_id"] for one in door.records if one["event"] == "egress"}
        assert len(refused) > 0
        assert set(refused) <= ids


def header(source: str, *, vpce: str = "", command: int = 0x21) -> bytes:
    packed = ip_address(source).packed
    block = packed + packed + struct.pack(">HH", 4711, 8080)
    if vpce:
        block += struct.pack(">BHB", 0xEA, len(vpce) + 1, 1) + vpce.encode()
    return SIGNATURE + struct.pack(">BBH", command, 0x11, len(block)) + block


CLIENT_POLICY = POLICY.replace("rules:", "clients: {branch: {cidrs: [10.20.0.0/16]}}\nrules:").replace(
    "allow: [read, write, list, delete]", "allow: [read, write, list, delete], clients: [branch]"
)


async def test_the_balancers_header_goes_into_policy_and_record(tmp_path: Path) -> None:
    async with front_door(tmp_path, CLIENT_POLICY) as door:
        process, port, _ = await door.start(
            workers=1, listen=", proxy_protocol: v2, trusted_proxies: [127.0.0.0/8]"
        )
        statuses = []
        for source in ("10.20.0.5", "10.21.0.5"):
            first = header(source, vpce=VPCE)
            async with tunnel(port, door.context, first=first) as (reader, writer):
                statuses.append((await get(reader, writer, "k")).status)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(header("127.0.0.1", command=0x20))
        writer.close()
        await writer.wait_closed()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with tunnel(port, door.context):
                pass
        assert (await door.stop(process))[0] == 0
        assert statuses == [200, 403]
        told: list[Any] = [one for one in door.records if one["event"] == "egress"]
        assert [(one["reason"], one["client"]["address"], one["client"]["vpc_endpoint"]) for one in told] == [
            ("ALLOWED_BY_RULE", "10.20.0.5", VPCE),
            ("CLIENT_NOT_ALLOWED", "10.21.0.5", VPCE),
            ("PROXY_HEADER_INVALID", "127.0.0.1", None),
        ]
        assert [one["reason"] for one in door.records if one["event"] == "selftest"] == ["BUCKET_NOT_LISTED"]
        assert door.asked == ["k"]


async def test_who_was_let_in_before_the_end_is_still_served(tmp_path: Path) -> None:
    """A connection accepted before the drain brings its first request after it; its answer ends it."""
    async with run_rig(tmp_path, linger_s=3.0) as rig, await rig.connect() as early:
        await until(lambda: rig.gate.connections)
        draining = asyncio.create_task(rig.gate.drain(10.0))
        await until(lambda: rig.gate.addon.services.leaving)
        await early.open_tunnel(GOOD, GOOD)
        await early.send(f"GET /k HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
        answer = await early.read_all()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in answer.lower()
        await asyncio.wait_for(draining, 5)


async def test_who_comes_too_late_is_told_that_the_gate_ends(tmp_path: Path) -> None:
    async with run_rig(tmp_path) as rig, await rig.connect() as late:
        await until(lambda: rig.gate.connections)
        rig.gate.addon.services.draining = True
        await late.send(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        assert (await late.read_head()).startswith(b"HTTP/1.1 503 DRAINING\r\n")
        assert rig.recorder.reasons == [Reason.DRAINING]
        assert not rig.s3.touched
