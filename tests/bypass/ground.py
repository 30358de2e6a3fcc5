"""Where the attacks are fought: the gate with its real journal before a fake S3, in one event loop."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bcrypt
import pytest

from bypass.attack import Attack, Told
from e2e.fake_s3 import FakeS3, answering, serve_ok
from e2e.rig import FixedPolicy, server_context
from s3gate.audit.heartbeat import Tally
from s3gate.audit.identifier import new_id
from s3gate.audit.journal import Journal
from s3gate.demo.dns_server import Answer, DnsServer
from s3gate.health.metrics import Metrics
from s3gate.policy.document import parse_policy
from s3gate.policy.network import parse_networks
from s3gate.proxy.authority import Authority
from s3gate.proxy.runtime import Gate, RuntimeSettings
from s3gate.proxy.services import Services
from s3gate.recorder import JournalRecorder

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
POLICY = Path(__file__).with_name("policy.yaml")
S3_ADDRESS = "127.0.0.2"  # the only address that counts as S3's: every other one of this machine is elsewhere
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory made inside it, with a name of its own
SETTLE_S = 10.0  # for the last record to reach the disk
USERS = {"alice": bcrypt.hashpw(b"s3cret: pass", bcrypt.gensalt(4)).decode()}
S3_NAMES = ("*.s3.ap-northeast-1.amazonaws.com", "s3.ap-northeast-1.amazonaws.com")


@dataclass
class Ground:
    """A running gate, what stands behind it, and what it wrote."""

    gate: Gate
    s3: FakeS3
    dns: DnsServer
    journal: Path
    _read: dict[Path, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def prepared(self, attack: Attack) -> Iterator[None]:
        """The surroundings as a row wants them."""
        self.s3.connections.clear()
        self.s3.script = answering(attack.answer, close=False) if attack.answer is not None else serve_ok
        for name, told in attack.dns.items():
            self.dns.set_answer(name, _answer(told))
        yield
        for name in attack.dns:
            self.dns.set_answer(name, None)

    async def recorded(self, count: int) -> list[str]:
        """Reasons of the records since the last call: decisions, and transfers that did not end well.

        Args:
            count: so many are expected; they are waited for, and whether more come is not.
        """
        reasons = self._new_reasons()
        async with asyncio.timeout(SETTLE_S):
            while len(reasons) < count:
                await asyncio.sleep(0.001)
                reasons += self._new_reasons()
        return reasons

    def _new_reasons(self) -> list[str]:
        reasons: list[str] = []
        for path in sorted(self.journal.rglob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                lines = file.read()
            self._read[path] = self._read.get(path, 0) + len(lines)
            records = [json.loads(line) for line in lines.splitlines()]
            told = [one for one in records if one["event"] == "egress" or one["reason"] is not None]
            reasons += [one["reason"] for one in told]
        return reasons


def _answer(told: Told) -> Answer:
    """What a row wants a name to be answered."""
    if isinstance(told, Mapping):
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in told.items()
        }
        return Answer(**fields)
    four = tuple(one for one in told if ":" not in one)
    return Answer(ipv4=four, ipv6=tuple(one for one in told if ":" in one))


@contextlib.contextmanager
def _open_journal() -> Iterator[Journal]:
    """A journal in memory where there is some: a row has a second, which a disk that others use may take."""
    with (
        TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
        contextlib.closing(Journal.open(Path(directory), "gate", bytes(32), 1 << 30)) as journal,
    ):
        yield journal


@contextlib.asynccontextmanager
async def run_ground(
    directory: Path, *, dns_pool: tuple[str, ...] = (S3_ADDRESS,), **settings: object
) -> AsyncIterator[Ground]:
    """Start everything; stop everything."""
    now = datetime.now(UTC)
    ours, theirs = Authority.generate(now), Authority.generate(now)
    (directory / "s3.pem").write_bytes(theirs.certificate_pem())
    policy = FixedPolicy(parse_policy(POLICY.read_bytes()))
    with _open_journal() as journal, pytest.MonkeyPatch.context() as clock:
        recorder = JournalRecorder(journal, Metrics(), Tally())
        clock.setattr(Services, "now", lambda _self: NOW)
        async with (
            DnsServer(["amazonaws.com"], dns_pool) as dns,
            FakeS3(server_context(theirs, *S3_NAMES)) as s3,
        ):
            given: dict[str, object] = {
                "nameservers": (f"127.0.0.1:{dns.port}",),
                "networks": parse_networks([f"{S3_ADDRESS}/32"]),
                "upstream_port": s3.port,
                "upstream_plain_port": s3.plain_port,
                "ca_bundle": directory / "s3.pem",
                "connections": 20_000,
                "connections_per_client": 20_000,
                "users": USERS,
            }
            runtime = RuntimeSettings(authority=ours, host="127.0.0.1", port=0, **given | settings)  # type: ignore[arg-type] # a test's keywords
            gate = Gate(runtime, policy, recorder, new_id)
            await gate.start()
            try:
                yield Ground(gate, s3, dns, journal.directory)
            finally:
                await gate.drain(1.0)
