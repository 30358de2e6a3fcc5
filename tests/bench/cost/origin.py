"""One TLS origin for every proxy: nginx on port 443 of a loopback address, with a small, a big and many files."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from s3gate.proxy.authority import Authority
from s3gate.s3.host import HostName

ADDRESS = "127.0.0.3"
REGION = "ap-northeast-1"
HOST = f"good-bucket.s3.{REGION}.amazonaws.com"
EVIL = f"evil-bucket.s3.{REGION}.amazonaws.com"
GIB = 1 << 30
SMALL_BYTES = 1024
FILE_BYTES = 100_000
FILES = 2_000
START_S = 10.0
CONFIG = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000;
  keepalive_timeout 600;
  server {{
    listen {address}:443 ssl;
    ssl_certificate {directory}/leaf.pem;
    ssl_certificate_key {directory}/leaf.pem;
    root {directory}/files;
    location /up/ {{ dav_methods PUT; create_full_put_path on; }}
    location = / {{ default_type application/xml; if ($arg_prefix = "big/") {{ rewrite ^ /big.xml last; }} rewrite ^ /many.xml last; }}
    location /many/ {{ try_files /file =404; }}
    location /big/ {{ try_files /gib =404; }}
  }}
}}
"""
LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>good-bucket</Name><KeyCount>{count}</KeyCount><MaxKeys>10000</MaxKeys><IsTruncated>false</IsTruncated>"
    "{contents}</ListBucketResult>"
)
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"x"</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>'
)


@dataclass(frozen=True)
class Origin:
    """The running origin."""

    roots: Path
    gib: Path


def listing(prefix: str, count: int, size: int) -> str:
    """What ListObjectsV2 answers for so many objects."""
    contents = "".join(ENTRY.format(key=f"{prefix}{number:04d}", size=size) for number in range(count))
    return LISTING.format(count=count, contents=contents)


@contextlib.contextmanager
def run_origin(directory: Path) -> Iterator[Origin]:
    """Start nginx; stop it."""
    authority = Authority.generate(datetime.now(UTC))
    leaf = authority.sign_leaf(HostName(HOST), datetime.now(UTC))
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = directory / "files"
    (files / "up").mkdir(parents=True)
    (directory / "leaf.pem").write_bytes(leaf.certificate.public_bytes(serialization.Encoding.PEM) + key)
    (directory / "roots.pem").write_bytes(authority.certificate_pem())
    (files / "small").write_bytes(bytes(SMALL_BYTES))
    (files / "file").write_bytes(bytes(FILE_BYTES))
    with (files / "gib").open("wb") as file:
        file.truncate(GIB)
    (files / "many.xml").write_text(listing("many/", FILES, FILE_BYTES))
    (files / "big.xml").write_text(listing("big/", 4, GIB))
    (directory / "nginx.conf").write_text(CONFIG.format(directory=directory, address=ADDRESS))
    for path in (directory, files, files / "up"):
        path.chmod(0o777)
    process = subprocess.Popen(["nginx", "-c", directory / "nginx.conf", "-e", directory / "error.log"])
    try:
        await_listening(process, ADDRESS, 443)
        yield Origin(directory / "roots.pem", files / "gib")
    finally:
        process.terminate()
        process.wait(START_S)


def await_listening(process: subprocess.Popen[bytes], address: str, port: int) -> None:
    """Return once a connection succeeds.

    Raises:
        AssertionError: the process ended, or it took too long.
    """
    deadline = datetime.now(UTC).timestamp() + START_S
    while process.poll() is None and datetime.now(UTC).timestamp() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 0.1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"nothing listens on {address}:{port}")
