"""A new CA under load: real clients, the bundle first, then the gates in turn, then the old one out of the bundle.

The order is that of deploy/runbooks/ca-rotation.md. Clients never retry here, so that a single
handshake that is refused shows.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from cryptography import x509

from e2e.front_door import FrontDoor, Process, front_door, until, workers_of
from e2e.rig import GOOD, REGION
from s3gate.cli import main
from s3gate.demo.client import AwsCli

pytestmark = pytest.mark.e2e

CONNECTIONS = 5  # requests of a boto3 client before it is made anew, as by a program that starts anew
KEYS = ("AKIAY34FZKBOKMUTVV7A", "not-a-secret")


def s3gate(*arguments: object) -> None:
    """The command as a person runs it, in this process."""
    main([str(one) for one in arguments], standalone_mode=False)


def signer(port: int, bundle: Path) -> str:
    """The key that signed the certificate which a client is shown now (RFC 5280 section 4.2.1.1)."""
    context = ssl.create_default_context(cafile=bundle)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(f"CONNECT {GOOD}:443 HTTP/1.1\r\nHost: {GOOD}:443\r\n\r\n".encode())
        assert plain.recv(4096).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(plain, server_hostname=GOOD) as secure:
            shown = secure.getpeercert(binary_form=True)
    assert shown is not None
    leaf = x509.load_der_x509_certificate(shown)
    found = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return (found or b"").hex()


def key_of(certificate: Path) -> str:
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


@dataclass
class Clients:
    """boto3 and curl, each in its thread, with the bundle as it lies there at that moment.

    Args:
        port: of the gates.
        bundle: what they trust.
    """

    port: int
    bundle: Path
    good: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(asyncio.to_thread(self._go_on, name, one))
            for name, one in (("boto3", self._boto3), ("curl", self._curl), ("boto3", self._boto3))
        ]
        try:
            yield
        finally:
            self.over.set()
            await asyncio.gather(*tasks)

    async def more(self, requests: int) -> None:
        """Return when each kind has had so many more answers."""
        before = Counter(self.good)
        await until(lambda: all(self.good[one] >= before[one] + requests for one in ("boto3", "curl")))

    def _go_on(self, name: str, step: Callable[[], int]) -> None:
        while not self.over.is_set():
            try:
                self.good[name] += step()
            except Exception as exc:  # noqa: BLE001 - whatever a client may raise is what the test is about
                self.bad.append(f"{name}: {exc!r}")

    def _boto3(self) -> int:
        config = Config(proxies={"https": f"http://127.0.0.1:{self.port}"}, retries={"total_max_attempts": 1})
        client = boto3.session.Session(*KEYS, region_name=REGION).client(
            "s3", config=config, verify=str(self.bundle)
        )
        with contextlib.closing(client):
            for number in range(CONNECTIONS):
                client.get_object(Bucket="good-bucket", Key=f"k{number}")["Body"].read()
        return CONNECTIONS

    def _curl(self) -> int:
        command = ("curl", "-fsS", "--max-time", "10", "--proxy", f"http://127.0.0.1:{self.port}")
        done = subprocess.run(
            [*command, "--cacert", self.bundle, "-o", os.devnull, f"https://{GOOD}/k"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return 1


def awscli(door: FrontDoor, port: int, bundle: Path) -> str:
    """What a download with awscli prints; it fails when that fails."""
    variables = {
        "HTTPS_PROXY": f"http://127.0.0.1:{port}",
        "AWS_CA_BUNDLE": str(bundle),
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
    }
    done = AwsCli(door.directory, variables).run(
        "s3api", "get-object", "--bucket", "good-bucket", "--key", "k", "copy"
    )
    return "fine" if done.exit_code == 0 else done.text


async def gates_in_turn(door: FrontDoor, port: int, running: Process) -> Process:
    """A second gate on the same port, then the end of the first: as two units of one machine."""
    second, same, _ = await door.start(port=port)
    assert same == port
    assert (await door.stop(running))[0] == 0
    return second


async def workers_in_turn(door: FrontDoor, port: int, running: Process) -> Process:
    """Each worker drains and ends; its successor reads the CA anew, while the other serves on."""
    for victim in workers_of(running):
        before = await serving(door)
        os.kill(victim, signal.SIGTERM)
        await until(lambda: victim not in workers_of(running))  # noqa: B023 - of this turn
        await until(lambda: len(workers_of(running)) == 2)
        while await serving(door) < before:  # noqa: ASYNC110 - other processes tell nothing
            await asyncio.sleep(0.05)
    return running


async def serving(door: FrontDoor) -> float:
    return await door.metric("s3gate_workers")


@pytest.mark.parametrize("switch", [gates_in_turn, workers_in_turn])
async def test_a_ca_is_changed_and_no_request_is_refused(
    tmp_path: Path, switch: Callable[[FrontDoor, int, Process], "asyncio.Future[Process]"]
) -> None:
    """Both CAs are of the same day and so have the same name: clients tell them apart by their keys."""
    async with front_door(tmp_path) as door:
        running, port, _ = await door.start()
        old, new, bundle = tmp_path / "old.pem", tmp_path / "next" / "ca.pem", tmp_path / "bundle.pem"
        shutil.copy(tmp_path / "ca.pem", old)
        s3gate("ca", "bundle", old, "--out", bundle)
        clients = Clients(port, bundle)
        async with clients.running():
            await clients.more(10)
            s3gate("ca", "renew", old, tmp_path / "next")

            s3gate("ca", "bundle", old, new, "--out", bundle, "--replace")  # 1. what clients trust
            await clients.more(10)
            assert await asyncio.to_thread(signer, port, bundle) == key_of(old)

            for name in ("ca.key", "ca.pem"):  # 2. what the gate signs with
                shutil.copy(tmp_path / "next" / name, tmp_path / f"{name}.new")
                (tmp_path / f"{name}.new").replace(tmp_path / name)
            running = await switch(door, port, running)
            await clients.more(10)
            assert await asyncio.to_thread(signer, port, bundle) == key_of(new)
            assert await asyncio.to_thread(awscli, door, port, bundle) == "fine"

            s3gate("ca", "bundle", new, "--out", bundle, "--replace")  # 3. the old one out
            await clients.more(10)
        assert clients.bad == []
        ends = x509.load_pem_x509_certificate(new.read_bytes()).not_valid_after_utc.timestamp()
        assert await door.metric("s3gate_ca_expiry_timestamp_seconds") == ends
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(signer, port, old)
        assert "certificate verify failed" in await asyncio.to_thread(awscli, door, port, old)
        await door.stop(running)
        verdicts = Counter(str(one["reason"]) for one in door.records if one["event"] == "egress")
        assert verdicts["ALLOWED_BY_RULE"] > 50
        assert verdicts["NOT_TLS"] == 2, "the two that trusted the old one alone, at the end"
        assert set(verdicts) == {"ALLOWED_BY_RULE", "NOT_TLS"}


async def test_the_other_order_is_refused(tmp_path: Path) -> None:
    """The gate first, the bundle afterwards: every new handshake fails. So the test above can fail."""
    async with front_door(tmp_path) as door:
        running, port, _ = await door.start()
        old = tmp_path / "old.pem"
        shutil.copy(tmp_path / "ca.pem", old)
        s3gate("ca", "renew", old, tmp_path / "next")
        for name in ("ca.key", "ca.pem"):
            shutil.copy(tmp_path / "next" / name, tmp_path / name)
        clients = Clients(port, old)
        async with clients.running():
            await clients.more(5)
            running = await gates_in_turn(door, port, running)
            await until(lambda: len(clients.bad) >= 4)
        assert any("certificate" in one for one in clients.bad), clients.bad[:2]
        await door.stop(running)
