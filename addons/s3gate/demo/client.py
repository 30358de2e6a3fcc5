"""The clients of the demo: the real awscli, and one that lies about its Host.

Both know the gate as any client does: `HTTPS_PROXY` and `AWS_CA_BUNDLE`, and credentials.
"""

import http.client
import importlib.util
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end the demo: Ctrl-C, a stop, a closed terminal."""

COMMAND_TIMEOUT_S: Final = 30.0
"""Seconds for one awscli command; a refusal takes about one."""

REQUEST_TIMEOUT_S: Final = 10.0
"""Seconds for one raw request."""

_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


class HeldSignals:
    """Signals that end the demo wait from here until `release`; only the main thread handles any."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._handlers: dict[int, object] = {}
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                self._handlers[number] = signal.signal(number, lambda came, _: self._came.append(came))

    def release(self) -> None:
        """Put the handlers back, and raise what came meanwhile."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it is what signal() gave
        for number in self._came[:1]:
            signal.raise_signal(number)


class ClientMissingError(RuntimeError):
    """awscli is not there; the text says what installs it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command did.

    Args:
        command: as a person would type it, one command a line.
        exit_code: 0 when it succeeded.
        lines: what it printed, both streams.
    """

    command: str
    exit_code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """What it printed, in one piece."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Args:
        status: HTTP status.
        reason: the gate's `x-s3gate-reason`, or None.
        message: the message of S3's error document, or the body's first line.
    """

    status: int
    reason: str | None
    message: str


def find_awscli() -> list[str]:
    """The command that starts awscli.

    Returns:
        An argument list.

    Raises:
        ClientMissingError: it is not installed.
    """
    if importlib.util.find_spec("awscli") is not None:
        return [sys.executable, "-m", "awscli"]
    raise ClientMissingError("awscli is not installed: run `pip install 's3gate[demo]'`")


class AwsCli:
    """awscli in a directory of its own, behind the gate.

    Args:
        directory: where it runs; its configuration files are taken from here.
        variables: what a person would export: proxy, CA bundle, credentials, region.
    """

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self.directory = directory
        self.variables = variables
        self._command = find_awscli()

    def run(self, *arguments: str, config: str | None = None) -> Outcome:
        """Run one command and wait for it.

        Args:
            arguments: after `aws`.
            config: name of a configuration file in the directory, as AWS_CONFIG_FILE.

        Returns:
            What it did.

        Raises:
            subprocess.TimeoutExpired: it took longer than COMMAND_TIMEOUT_S.
        """
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.directory),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "AWS_CONFIG_FILE": str(self.directory / (config or "none")),
            "PYTHONWARNINGS": "ignore",
            **self.variables,
        }
        # A signal between the fork and the name `process` would leave the client behind.
        held = HeldSignals()
        try:
            process = subprocess.Popen(
                [*self._command, *arguments],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except BaseException:
            held.release()
            raise
        try:
            held.release()
            printed, _ = process.communicate(timeout=COMMAND_TIMEOUT_S)
        finally:  # also when the demo is stopped: `subprocess.run` would not wait for the end then
            process.kill()
            process.wait()
        # awscli repaints its progress line: of each line only what stands after the last return is seen.
        text = printed.decode(errors="replace").replace("\r\n", "\n")
        lines = tuple(line.rpartition("\r")[2].rstrip() for line in text.split("\n"))
        prefix = f"export AWS_CONFIG_FILE={config}\n" if config is not None else ""
        return Outcome(f"{prefix}aws {' '.join(arguments)}", process.returncode, tuple(filter(None, lines)))


def put_fronted(
    proxy_url: str, ca: Path, tunnel_host: str, host: str, path: str, body: bytes, credentials: Sequence[str]
) -> Answer:
    """Put an object through a tunnel to `tunnel_host`, with `host` as Host and in the signature.

    Args:
        proxy_url: the gate.
        ca: PEM file with its CA.
        tunnel_host: name in CONNECT and SNI.
        host: name inside the tunnel.
        path: of the object.
        body: of the object.
        credentials: access key id and secret access key.

    Returns:
        The answer inside the tunnel.

    Raises:
        OSError: there was none.
    """
    request = AWSRequest("PUT", f"https://{host}{path}", data=body)
    S3SigV4Auth(Credentials(*credentials), "s3", _region(host)).add_auth(request)
    proxy = urlsplit(proxy_url)
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection(
        str(proxy.hostname), proxy.port, timeout=REQUEST_TIMEOUT_S, context=context
    )
    connection.set_tunnel(tunnel_host, 443)
    try:
        connection.putrequest("PUT", path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    finally:
        connection.close()
    found = _MESSAGE.search(text)
    message = found.group(1) if found is not None else text.partition("\n")[0]
    return Answer(response.status, response.getheader("x-s3gate-reason"), message)


def _region(host: str) -> str:
    """The region in a host name like `bucket.s3.region.amazonaws.com`."""
    return host.removesuffix(".amazonaws.com").rpartition(".")[2]
