"""Real clients that go on while instances come and go: boto3 in many threads, awscli now and then."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from e2e.rig import REGION

AWS = Path(sys.executable).parent / "aws"
CLIENT = Path(__file__).with_name("client.py")
USERS = 4
REST_S = 2.0  # between two calls of awscli: its start alone is a second of CPU
STEP_S = 40.0
# Of awscli and boto3. As long as a dead instance counts as healthy, each try meets it with even odds: with 3,
# the default, one call in eight gives up, with 6 one in 64, and by then some 15 s have passed.
ATTEMPTS = 6
DECISION = re.compile(r"\(([A-Z_]+)\); decision ([0-9A-Z]{26})")


@dataclass(frozen=True)
class Outcome:
    """What became of one call.

    Args:
        verb: put or get.
        outcome: done, refused, or `failed: …` when its client gave up.
        sent: how many requests the client made for it.
        began: on the clock of `time.monotonic`; `ended` likewise.
        decision: id of the refusal that the client was told.
    """

    verb: str
    bucket: str
    key: str
    outcome: str
    sent: int
    began: float
    ended: float
    decision: str | None = None
    reason: str | None = None


@dataclass
class Load:
    """Clients behind a proxy.

    Args:
        environment: of each.
        directory: where they lie.
    """

    environment: dict[str, str]
    directory: Path
    outcomes: list[Outcome] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    fresh: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until the end every client goes on; then each finishes what it has begun."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._boto3())
            group.create_task(self._awscli())
            try:
                yield
            finally:
                self.over.set()

    async def more(self, calls: int) -> None:
        """Return when so many more have ended."""
        wanted = len(self.outcomes) + calls
        async with asyncio.timeout(STEP_S):
            while len(self.outcomes) < wanted:
                self.fresh.clear()
                await self.fresh.wait()

    async def _boto3(self) -> None:
        process = await self._start(sys.executable, str(CLIENT), str(USERS))
        assert process.stdout is not None
        assert process.stdin is not None
        ending = asyncio.create_task(self._close_at_end(process.stdin))
        try:
            async for line in process.stdout:
                self._note(Outcome(**json.loads(line)))
            assert await process.wait() == 0
        finally:
            ending.cancel()
            await self._end(process)

    async def _close_at_end(self, stdin: asyncio.StreamWriter) -> None:
        await self.over.wait()
        stdin.close()

    async def _awscli(self) -> None:
        for number in itertools.count():
            await self._copy(("good-bucket", "evil-bucket")[number % 2], f"cli/{number}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), REST_S)
                return

    async def _copy(self, bucket: str, key: str) -> None:
        began = time.monotonic()
        process = await self._start(str(AWS), "s3", "cp", "--no-progress", "file", f"s3://{bucket}/{key}")
        try:
            printed, _ = await asyncio.wait_for(process.communicate(), STEP_S)
        finally:
            await self._end(process)
        output = printed.decode()
        told = DECISION.search(output) if "(AccessDenied)" in output else None
        reason, decision = told.groups() if told else (None, None)
        outcome = "done" if process.returncode == 0 else "refused" if told else f"failed: {output}"
        self._note(Outcome("put", bucket, key, outcome, 0, began, time.monotonic(), decision, reason))

    async def _start(self, *command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment,
            cwd=self.directory,
        )

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.kill()
            await process.wait()

    def _note(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.fresh.set()


def client_environment(directory: Path, port: int, bundle: Path) -> dict[str, str]:
    """What a user exports: the proxy, its CA, and a retry mode.

    Args:
        directory: home of the user.
        port: of the balancer.
        bundle: the CA or CAs that it trusts.
    """
    return {
        "PATH": os.environ["PATH"],
        "HTTPS_PROXY": f"http://127.0.0.1:{port}",
        "AWS_CA_BUNDLE": str(bundle),
        "AWS_RETRY_MODE": "standard",
        "AWS_MAX_ATTEMPTS": str(ATTEMPTS),
        "AWS_ACCESS_KEY_ID": "AKIAY34FZKBOKMUTVV7A",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": str(directory),
    }
