"""Two instances behind a balancer, an S3 that counts, users that never stop, and the books that must agree."""

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from deploy.pair.balancer import IDLE_S, Balancer, run_balancer
from deploy.pair.instance import Instance
from deploy.pair.load import ATTEMPTS, Load, Outcome, client_environment
from deploy.pair.store import Asked, Store
from e2e.fake_s3 import FakeS3
from e2e.front_door import until
from e2e.rig import REGION, server_context
from s3gate.demo.dns_server import DnsServer
from s3gate.proxy.authority import Authority

POLICY = f"""\
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard]}}
unsigned: allow
clients: {{branch: {{cidrs: [127.0.0.1/32]}}}}
rules:
  - {{id: good, bucket: good-bucket, allow: [read, write], clients: [branch]}}
  - {{id: swap, bucket: early-bucket, allow: [read, write], clients: [branch]}}
"""
HELD = 3  # transfers under way on one instance
HELD_BODY = bytes(range(256)) * 400
PEM = tuple[bytes, bytes]


def new_ca() -> PEM:
    """Certificate and key."""
    made = Authority.generate(datetime.now(UTC))
    return made.certificate_pem(), made.private_key_pem()


@dataclass
class Pair:
    """Everything of one test.

    Args:
        bundle: what users trust: `cas`, both of them.
        cas: the one in use at first, the one to come.
    """

    directory: Path
    a: Instance
    b: Instance
    balancer: Balancer
    store: Store
    bundle: Path
    cas: tuple[PEM, PEM]

    @property
    def instances(self) -> dict[str, Instance]:
        """By the balancer's name of their place."""
        return {"a": self.a, "b": self.b}

    def load(self) -> Load:
        """Users; not started yet."""
        (self.directory / "file").write_bytes(b"x" * 100_000)
        return Load(client_environment(self.directory, self.balancer.port, self.bundle), self.directory)

    async def start(self, name: str) -> None:
        """An instance, back in its place and in service."""
        self.balancer.register(name, await self.instances[name].start())
        await self.balancer.until(**{name: "UP"})

    @contextlib.asynccontextmanager
    async def transfers(self, name: str) -> AsyncIterator[list[str]]:
        """Downloads by boto3 that stand still in the middle until the end, and then must be whole.

        Args:
            name: of the instance that has them.
        """
        keys = [f"held/{name}-{number}" for number in range(HELD)]
        self.store.release = asyncio.Event()
        self._s3.close()  # it takes no connection of before
        async with asyncio.TaskGroup() as group:
            downloads = []
            with self.balancer.only(name):
                for key in keys:
                    self.store.objects["good-bucket", key] = HELD_BODY
                    downloads.append(group.create_task(asyncio.to_thread(self._download, key)))
                    await until(lambda: self.asked_for(key))  # noqa: B023 - it is awaited here
            try:
                yield keys
            finally:
                self.store.release.set()
        assert {one.result() for one in downloads} == {HELD_BODY}

    def asked_for(self, *keys: str) -> int:
        """How many GETs for them reached S3."""
        return sum(self.store.asked["GET", "good-bucket", key] for key in keys)

    @cached_property
    def _s3(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            region_name=REGION,
            aws_access_key_id="AKIAY34FZKBOKMUTVV7A",
            aws_secret_access_key="not-a-secret",
            verify=str(self.bundle),
            config=Config(
                proxies={"https": f"http://127.0.0.1:{self.balancer.port}"},
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            ),
        )

    def _download(self, key: str) -> bytes:
        """Over a connection of its own, since all others are busy."""
        got = io.BytesIO()
        self._s3.download_fileobj("good-bucket", key, got, Config=TransferConfig(use_threads=False))
        return got.getvalue()

    def close(self) -> None:
        """Of its own client."""
        self._s3.close()

    def verdicts(self, decision: str) -> list[Any]:
        """Records of one kind, of both instances."""
        every: list[Any] = [*self.a.records(), *self.b.records()]
        return [one for one in every if one["event"] == "egress" and one["decision"] == decision]

    async def check_books(self, outcomes: list[Outcome]) -> None:
        """What S3 saw, what users were told and what the journals hold are one story."""
        allowed: Counter[Asked] = Counter(
            (one["request"]["method"], one["request"]["bucket"], one["request"]["key"])
            for one in self.verdicts("allow")
        )
        assert self.store.asked - allowed == Counter(), "reached S3 without a record"
        assert {bucket for _, bucket, _ in self.store.asked} <= {"good-bucket", "early-bucket", "late-bucket"}
        refused = {one["decision_id"]: one["reason"] for one in self.verdicts("deny")}
        told = {one.decision: one.reason for one in outcomes if one.outcome == "refused"}
        assert told.items() <= refused.items(), "a refusal without a record"
        assert [one for one in outcomes if one.outcome.startswith("failed")] == []
        assert {one.outcome for one in outcomes if one.bucket == "evil-bucket"} == {"refused"}
        assert {one.outcome for one in outcomes if one.bucket == "good-bucket"} == {"done"}
        for instance in (self.a, self.b):
            code, output = await instance.command("audit", "verify")
            assert code == 0, output


@contextlib.asynccontextmanager
async def run_pair(
    directory: Path,
    *,
    balancer_idle_s: float = IDLE_S,
    idle_s: float = IDLE_S,
    introduced: bool = True,
    cuts_when_down: bool = False,
) -> AsyncIterator[Pair]:
    """Start everything, stop everything; see `run_balancer`."""
    theirs, cas, store = Authority.generate(datetime.now(UTC)), (new_ca(), new_ca()), Store()
    (directory / "s3.pem").write_bytes(theirs.certificate_pem())
    bundle = directory / "bundle.pem"
    bundle.write_bytes(b"".join(certificate for certificate, _ in cas))
    async with (
        DnsServer(["amazonaws.com"], ("127.0.0.1",)) as dns,
        FakeS3(server_context(theirs, f"*.s3.{REGION}.amazonaws.com"), "127.0.0.1") as s3,
    ):
        s3.script = store.serve
        ground: dict[str, object] = {"dns": dns.port, "s3": s3.port, "idle_s": idle_s}
        a, b = (Instance(directory / name, POLICY, cas[0], ground) for name in "ab")
        try:
            for one in (a, b):
                one.write()
            targets = await asyncio.gather(a.start(), b.start())
            async with run_balancer(
                targets, idle_s=balancer_idle_s, introduced=introduced, cuts_when_down=cuts_when_down
            ) as balancer:
                pair = Pair(directory, a, b, balancer, store, bundle, cas)
                yield pair
                pair.close()
        finally:
            for one in (a, b):
                one.kill()
