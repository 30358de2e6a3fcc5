"""10,000 refused connections in a row: memory and descriptors of the running gate stay flat."""

import asyncio
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bypass.attack import Attack, signed_lines
from bypass.wire import attack_proxy
from drive.wait import until
from gate_process import GateFiles, await_port, stop

pytestmark = pytest.mark.e2e

CONNECTIONS = 10_000
WARM = 5_000  # until caches are full and the allocator has its arenas (measured: then 1 MiB in 20,000)
AT_ONCE = 16
FLOOD_PATIENCE_S = 30.0  # sixteen at once on a busy machine; each row alone has its second elsewhere
GROWTH_BYTES = 4 << 20  # far less than 8,000 times anything that a connection could leave behind
HOST = "evil-bucket.s3.eu-west-1.amazonaws.com"
INSIDE = Attack(
    name="inside TLS",
    category="flood",
    connect=f"{HOST}:443",
    sni=HOST,
    send=f"GET /k HTTP/1.1\r\nHost: {HOST}\r\n{signed_lines()}\r\n\r\n".encode(),
    reasons=("BUCKET_NOT_LISTED",),
    judged=None,
    why="",
)
OUTSIDE = Attack(
    name="at the CONNECT",
    category="flood",
    connect="www.evil.example:443",
    sni=None,
    send=b"",
    reasons=("HOST_NOT_LISTED",),
    judged=None,
    why="",
)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = GateFiles(tmp_path / "gate").start()
    try:
        yield process
    finally:
        stop(process)


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def flood(port: int, count: int) -> Counter[bytes]:
    """So many refused connections, some at once; the status lines that came back."""
    answers: Counter[bytes] = Counter()
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for number in left:
            attack = INSIDE if number % 10 == 0 else OUTSIDE
            outcome = await attack_proxy(attack, port, patience_s=FLOOD_PATIENCE_S)
            answers[outcome.answer[:12] if outcome.ended else b"not ended"] += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return answers


async def test_ten_thousand_refused_connections_leave_nothing_behind(
    gate: subprocess.Popen[str], tmp_path: Path
) -> None:
    port = await asyncio.to_thread(await_port, gate)
    idle = descriptors(gate.pid)
    assert set(await flood(port, WARM)) == {b"HTTP/1.1 403"}
    before = resident(gate.pid)
    assert set(await flood(port, CONNECTIONS)) == {b"HTTP/1.1 403"}
    after = resident(gate.pid)
    await until(lambda: descriptors(gate.pid) <= idle)
    print(f"{CONNECTIONS} refused: {before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after")
    assert after - before < GROWTH_BYTES
    records = b"".join(path.read_bytes() for path in (tmp_path / "gate" / "audit").rglob("*.jsonl"))
    assert records.count(b'"event":"egress"') == CONNECTIONS + WARM
