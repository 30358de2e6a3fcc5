"""One TLS origin for every proxy: nginx, with what a client of S3 asks for: small, big and many objects.

`/keys/N` is 1 KiB, `/many/N` 100 KB, `/big/N` 1 GiB, `/medium/N` 16 MiB; whatever is put under `/up/` is kept
until `clear_uploads`; the root lists `many/` or `big/`, and a POST answers as S3 does to the two ends of a
multipart upload. Everything lies in the directory that is given: one in memory, so that no disk is measured.
"""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from bench.cost.accounting import stop
from s3gate.proxy.authority import Authority
from s3gate.s3.host import HostName

ADDRESS = "127.0.0.3"
REGION = "ap-northeast-1"
HOST = f"good-bucket.s3.{REGION}.amazonaws.com"
EVIL = f"evil-bucket.s3.{REGION}.amazonaws.com"
MIB = 1 << 20
GIB = 1 << 30
SMALL_BYTES = 1024
FILE_BYTES = 100_000
MEDIUM_BYTES = 16 * MIB
START_S = 10.0
CONFIG = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  client_max_body_size 0;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 10000000;
  keepalive_timeout 600;
  server {{
    listen {address}:443 ssl;
    ssl_certificate {directory}/leaf.pem;
    ssl_certificate_key {directory}/leaf.pem;
    root {directory}/files;
    default_type application/xml;
    location /up/ {{
      if ($request_method = POST) {{ rewrite ^ /post last; }}
      dav_methods PUT; create_full_put_path on; add_header ETag '"x"';
    }}
    location = /post {{
      if ($arg_uploadId) {{ return 200 '{completed}'; }}
      return 200 '{initiated}';
    }}
    location = / {{
      if ($arg_prefix ~ "^big") {{ rewrite ^ /big.xml last; }}
      if ($arg_prefix ~ "^many") {{ rewrite ^ /many.xml last; }}
      rewrite ^ /none.xml last;
    }}
    location /keys/ {{ try_files /small =404; }}
    location /many/ {{ try_files /file =404; }}
    location /medium/ {{ try_files /medium =404; }}
    location /big/ {{ try_files /gib =404; }}
  }}
}}
"""
XML = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
INITIATED = f"{XML}<InitiateMultipartUploadResult {NAMESPACE}><Bucket>good-bucket</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = f"{XML}<CompleteMultipartUploadResult {NAMESPACE}><Bucket>good-bucket</Bucket><Key>k</Key></CompleteMultipartUploadResult>"
LISTING = (
    f"{XML}<ListBucketResult {NAMESPACE}>"
    "<Name>good-bucket</Name><KeyCount>{count}</KeyCount><MaxKeys>10000</MaxKeys><IsTruncated>false</IsTruncated>"
    "{contents}</ListBucketResult>"
)
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified>"
    "<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


@dataclass(frozen=True)
class Origin:
    """The running origin.

    Args:
        directory: its files.
    """

    directory: Path

    @property
    def roots(self) -> Path:
        """PEM of its CA."""
        return self.directory / "roots.pem"

    @property
    def big(self) -> Path:
        """A file of the size of `/big/N`."""
        return self.directory / "files" / "gib"

    def clear_uploads(self) -> int:
        """Remove what was put; returns how many bytes of files that was."""
        size = 0
        for path in (self.directory / "files" / "up").rglob("*"):
            if path.is_file():
                size += path.stat().st_size
                path.unlink()
        return size


def listing(prefix: str, count: int, size: int) -> str:
    """What ListObjectsV2 answers for so many objects."""
    contents = "".join(ENTRY.format(key=f"{prefix}{number:04d}", size=size) for number in range(count))
    return LISTING.format(count=count, contents=contents)


def write_files(directory: Path, files: int, big: int, big_bytes: int) -> Origin:
    """Everything that nginx serves; the big files are holes, and take no room.

    Args:
        directory: that is there.
        files: of 100 KB under `many/`.
        big: objects under `big/`.
        big_bytes: size of each of them.
    """
    origin = Origin(directory)
    authority = Authority.generate(datetime.now(UTC))
    leaf = authority.sign_leaf(HostName(HOST), datetime.now(UTC))
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = directory / "files"
    (content / "up").mkdir(parents=True)
    (directory / "leaf.pem").write_bytes(leaf.certificate.public_bytes(serialization.Encoding.PEM) + key)
    origin.roots.write_bytes(authority.certificate_pem())
    for name, size in (
        ("small", SMALL_BYTES),
        ("file", FILE_BYTES),
        ("medium", MEDIUM_BYTES),
        ("gib", big_bytes),
    ):
        with (content / name).open("wb") as file:
            file.truncate(size)
    (content / "many.xml").write_text(listing("many/", files, FILE_BYTES))
    (content / "big.xml").write_text(listing("big/", big, big_bytes))
    (content / "none.xml").write_text(listing("none/", 0, 0))
    for path in (directory, content, content / "up"):
        path.chmod(0o777)
    return origin


@contextlib.contextmanager
def run_origin(directory: Path, files: int = 2000, big: int = 4, big_bytes: int = GIB) -> Iterator[Origin]:
    """Start nginx on port 443 of its address; stop it."""
    directory.mkdir(parents=True)
    origin = write_files(directory, files, big, big_bytes)
    (directory / "nginx.conf").write_text(
        CONFIG.format(directory=directory, address=ADDRESS, completed=COMPLETED, initiated=INITIATED)
    )
    process = subprocess.Popen(["nginx", "-c", directory / "nginx.conf", "-e", directory / "error.log"])
    try:
        await_listening(process, ADDRESS, 443)
        yield origin
    finally:
        stop(process)


def await_listening(process: subprocess.Popen[bytes], address: str, port: int) -> None:
    """Return once a connection succeeds.

    Raises:
        AssertionError: the process ended, or it took too long.
    """
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 0.1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"nothing listens on {address}:{port}")
