"""Tarballs and wheels whose bytes depend on nothing but their content.

The normal case: names sorted, owner 0, two modes, one time for all, and no compression,
since another zlib would give other bytes and the wheels inside are compressed already.
"""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

PLAIN: Final = 0o644
PROGRAM: Final = 0o755
BLOCK_BYTES: Final = 0xFFFF  # RFC 1951, section 3.2.4: a stored block
# RFC 1952, section 2.3: deflate, no flags, no time, no extra flags, Unix.
GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
ZIP_EPOCH_S: Final = 315532800  # 1980-01-01, the first day that a zip file can tell


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tarball.

    Args:
        data: its bytes.
        program: whether it is executable.
    """

    data: bytes
    program: bool = False


def render_tar(entries: Mapping[str, Entry], seconds: int) -> bytes:
    """A tarball.

    Args:
        entries: by path, with `/`.
        seconds: since 1970, the time of every file.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(entries):
            info = tarfile.TarInfo(name)
            info.size = len(entries[name].data)
            info.mode = PROGRAM if entries[name].program else PLAIN
            info.mtime = seconds
            tar.addfile(info, io.BytesIO(entries[name].data))
    return buffer.getvalue()


def render_gzip(data: bytes) -> bytes:
    """The same in the gzip format, stored."""
    parts = [GZIP_HEAD]
    for start in range(0, max(len(data), 1), BLOCK_BYTES):
        block = data[start : start + BLOCK_BYTES]
        last = start + BLOCK_BYTES >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)


def render_wheel(wheel: bytes, seconds: int) -> bytes:
    """A wheel with the same files, sorted and stored.

    Args:
        wheel: as a build backend wrote it.
        seconds: since 1970, the time of every file.
    """
    moment = datetime.fromtimestamp(max(seconds, ZIP_EPOCH_S), UTC)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as found, zipfile.ZipFile(buffer, "w") as made:
        for name in sorted(found.namelist()):
            info = zipfile.ZipInfo(name, moment.timetuple()[:6])
            info.create_system = 3
            info.external_attr = (0o100000 | PLAIN) << 16
            made.writestr(info, found.read(name))
    return buffer.getvalue()
