"""Squid as its users run it: a list of destination names, with or without opening TLS."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from s3gate.proxy.authority import Authority

CERTGEN = Path("/usr/lib/squid/security_file_certgen")  # of Debian's squid-openssl
START_S = 20.0
USER = "proxy"  # what Debian's Squid becomes when root starts it
# With its default of 512 KB, Squid 5.7 broke off every bumped upload of 1 GiB with a Content-Length at full speed
# (8 of 8; with 1 MB 3 of 3), none at 60 MB/s, with nothing in its log: it closes when that buffer is full. With 8
# and with 64 MB 9 of 9 passed.
REQUEST_BUFFER = "8 MB"


def missing() -> str | None:
    """What to install before it can be used, or None."""
    if shutil.which("squid") is None or not CERTGEN.exists():
        return "squid with OpenSSL is missing: apt-get install squid-openssl"
    return None


@dataclass(frozen=True)
class Squid:
    """A running Squid."""

    process: subprocess.Popen[bytes]
    port: int
    authority: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(directory: Path, port: int, allowed: Sequence[str], roots: Path, *, bump: bool) -> str:
    """A proxy for the names `allowed`, of one process, without a cache."""
    tls = ""
    listen = f"http_port 127.0.0.1:{port}"
    if bump:
        listen += (
            f" ssl-bump generate-host-certificates=on tls-cert={directory}/ca.pem tls-key={directory}/ca.key"
        )
        tls = f"""
sslcrtd_program {CERTGEN} -s {directory}/certs -M 4MB
sslcrtd_children 4 startup=1 idle=1
tls_outgoing_options cafile={roots}
acl first at_step SslBump1
ssl_bump peek first
ssl_bump bump all
"""
    (directory / "allowed").write_text("".join(f"{name}\n" for name in allowed))
    return f"""
{listen}
{tls}
acl allowed dstdomain "{directory}/allowed"
acl https port 443
acl CONNECT method CONNECT
http_access deny CONNECT !https
http_access deny !allowed
http_access allow all
hosts_file {directory}/hosts
dns_nameservers 127.0.0.1
cache deny all
memory_cache_shared off
pid_filename {directory}/pid
access_log stdio:{directory}/access.log
cache_log {directory}/cache.log
coredump_dir {directory}
shutdown_lifetime 0 seconds
visible_hostname squid.test
client_request_buffer_max_size {REQUEST_BUFFER}
"""


@contextlib.contextmanager
def run_squid(
    directory: Path, allowed: Sequence[str], hosts: Mapping[str, str], roots: Path, *, bump: bool
) -> Iterator[Squid]:
    """Start it, wait until it listens, stop it.

    Args:
        directory: for its files; it and its parents must be readable by Squid's user.
        allowed: destination names.
        hosts: address of each name it may resolve.
        roots: PEM of the certificates it trusts upstream.
        bump: whether it opens TLS.
    """
    authority = Authority.generate(datetime.now(UTC))
    directory.mkdir(parents=True)
    (directory / "ca.pem").write_bytes(authority.certificate_pem())
    (directory / "ca.key").write_bytes(authority.private_key_pem())
    (directory / "hosts").write_text("".join(f"{address} {name}\n" for name, address in hosts.items()))
    port = free_port()
    (directory / "squid.conf").write_text(configuration(directory, port, allowed, roots, bump=bump))
    if bump:
        subprocess.run(
            [CERTGEN, "-c", "-s", directory / "certs", "-M", "4MB"], check=True, capture_output=True
        )
    with contextlib.suppress(LookupError, PermissionError):
        for path in (directory, *directory.rglob("*")):
            shutil.chown(path, USER)
    process = subprocess.Popen(["squid", "-N", "-f", directory / "squid.conf"], stderr=subprocess.PIPE)
    try:
        _await_listening(process, port)
        yield Squid(process, port, directory / "ca.pem")
    finally:
        process.terminate()
        process.communicate(timeout=START_S)


def _await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    """A connection succeeds, or the process ended."""
    deadline = datetime.now(UTC).timestamp() + START_S
    while process.poll() is None and datetime.now(UTC).timestamp() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(
        f"squid does not listen: {process.communicate()[1] if process.poll() is not None else ''!r}"
    )
