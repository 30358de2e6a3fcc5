"""Where a body ends: Content-Length or chunks are read here, and written anew.

The normal case: `Content-Length: n`, n bytes pass. Chunked bodies are taken apart and
re-framed by us, so that no size line, extension or trailer of one side reaches the
other. Each reader stops at the exact end: the byte after it is an unjudged head.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from s3gate.policy.decision import Reason
from s3gate.proxy.head import Headers, HeadRefused, RequestHead, ResponseHead

# Content-Length = 1*DIGIT (RFC 9110 §8.6); 19 digits hold every length below 2**63.
_LENGTH: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
# chunk-size [ chunk-ext ] (RFC 9112 §7.1); 13 hex digits hold 4 PiB, an object of S3 has 5 TiB at most.
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
CHUNK_LINE_BYTES: Final = 1024  # of one size line with extensions; h11 takes 20,000, Go 4,096
EXTENSION_BYTES: Final = (
    16_384  # of all extensions of one body: they are work without payload (as Go counts them)
)
TRAILER_BYTES: Final = 16_384  # of the skipped trailer section of a response
LAST_CHUNK: Final = b"0\r\n\r\n"

_NO_BODY_STATUS: Final = frozenset({204, 304})  # RFC 9112 §6.3


class Fed(NamedTuple):
    """What a reader made of some bytes.

    Args:
        pieces: payload, in order.
        rest: bytes behind the end of the body; empty while it is not done.
        done: the body has ended.
    """

    pieces: list[bytes]
    rest: bytes
    done: bool


class BodyError(Exception):
    """The framing of a body is broken; the message says how, in one lower-case sentence."""


class BodyReader(Protocol):
    """Finds the end of one body."""

    @property
    def chunked(self) -> bool:
        """Whether the length is unknown in advance."""
        ...

    def feed(self, data: bytes) -> Fed:
        """Read on.

        Raises:
            BodyError: the framing is broken.
        """
        ...


class LengthReader:
    """A body of known length.

    Args:
        length: bytes.
    """

    __slots__ = ("_left",)
    chunked = False

    def __init__(self, length: int) -> None:
        self._left = length

    def feed(self, data: bytes) -> Fed:
        """Read on."""
        size = len(data)
        if size < self._left:
            self._left -= size
            return Fed([data] if data else [], b"", False)
        piece, rest = (data, b"") if size == self._left else (data[: self._left], data[self._left :])
        self._left = 0
        return Fed([piece] if piece else [], rest, True)


class UntilClose:
    """A response body that ends with the connection (RFC 9112 §6.3, rule 8)."""

    __slots__ = ()
    chunked = True

    def feed(self, data: bytes) -> Fed:
        """Read on; it never ends by itself."""
        return Fed([data] if data else [], b"", False)


class ChunkReader:
    """A chunked body (RFC 9112 §7.1).

    Args:
        skip_trailers: drop a trailer section (responses); else it is refused (requests).
    """

    __slots__ = ("_end", "_extensions", "_left", "_line", "_skip_trailers", "_trailers")
    chunked = True

    def __init__(self, *, skip_trailers: bool) -> None:
        self._skip_trailers = skip_trailers
        self._line = b""
        self._left = 0
        self._end = False  # the CR LF behind a chunk's data is next
        self._extensions = 0
        self._trailers: int | None = None  # bytes of the trailer section, once it began

    def feed(self, data: bytes) -> Fed:
        """Read on.

        Raises:
            BodyError: a size line, an end of a chunk or a trailer is not as it must be.
        """
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left and not self._end:
                piece = data[at : at + self._left] if at or len(data) > self._left else data
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._end = self._left == 0
                continue
            line, at = self._take_line(data, at)
            if line is None:
                break
            if self._end:
                if line:
                    raise BodyError("a chunk is longer than its size")
                self._end = False
            elif self._trailers is not None:
                if self._is_last(line):
                    return Fed(pieces, data[at:], True)
            else:
                self._open_chunk(line)
        return Fed(pieces, b"", False)

    def _take_line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The next line without its CR LF and where it ended; None when it is not complete."""
        limit = 2 if self._end else CHUNK_LINE_BYTES
        end = data.find(b"\n", at, at + limit + 2)
        line = self._line + data[at : end + 1 if end >= 0 else at + limit + 2]
        if len(line) > limit + 2 or (end < 0 and len(line) > limit):
            raise BodyError(
                "a chunk is longer than its size" if self._end else "a chunk size line is too long"
            )
        if end < 0:
            if self._end and line != b"\r":
                raise BodyError("a chunk is longer than its size")
            self._line = line
            return None, len(data)
        self._line = b""
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise BodyError("a chunk size line holds a bare CR or LF")
        return line[:-2], end + 1

    def _open_chunk(self, line: bytes) -> None:
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise BodyError("a chunk size is not a plain hexadecimal number")
        self._extensions += len(line) - len(match[1])
        if self._extensions > EXTENSION_BYTES:
            raise BodyError("the chunk extensions are too long")
        self._left = int(match[1], 16)
        if self._left == 0:
            self._trailers = 0

    def _is_last(self, line: bytes) -> bool:
        if not line:
            return True
        if not self._skip_trailers:
            raise BodyError("a trailer section is not forwarded; send checksums inside aws-chunked")
        self._trailers = (self._trailers or 0) + len(line)
        if self._trailers > TRAILER_BYTES:
            raise BodyError("the trailer section is too long")
        return False


def write_chunk(pieces: Sequence[bytes], size: int) -> bytes:
    """One chunk of all pieces.

    Args:
        pieces: payload, not empty.
        size: their bytes together.
    """
    return b"".join((b"%x\r\n" % size, *pieces, b"\r\n"))


def request_body(head: RequestHead) -> BodyReader | None:
    """How the body of a request is framed; None when it has none (RFC 9112 §6.3).

    Raises:
        HeadRefused: two readers could see two lengths.
    """
    codings, lengths = _framing(head.headers)
    if codings and lengths:
        raise _malformed("Content-Length and Transfer-Encoding together")
    if codings:
        if codings != ["chunked"] or head.http_version != "HTTP/1.1":
            raise _malformed("Transfer-Encoding is not `chunked` alone, in HTTP/1.1")
        return ChunkReader(skip_trailers=False)
    length = _length(lengths)
    return LengthReader(length) if length else None


def response_body(head: ResponseHead, method: str) -> BodyReader | None:
    """How the body of a response is framed; None when it has none (RFC 9112 §6.3).

    Args:
        head: of the final response.
        method: of its request.

    Raises:
        HeadRefused: two readers could see two lengths.
    """
    codings, lengths = _framing(head.headers)
    if codings and lengths:
        raise _malformed("the answer has Content-Length and Transfer-Encoding together")
    length = _length(lengths)
    if method == "HEAD" or head.status in _NO_BODY_STATUS:
        return None
    if codings:
        if codings != ["chunked"]:
            raise _malformed("the answer's Transfer-Encoding is not `chunked` alone")
        return ChunkReader(skip_trailers=True)
    if length is None:
        return UntilClose()
    return LengthReader(length) if length else None


def _framing(headers: Headers) -> tuple[list[str], list[str]]:
    codings, lengths = [], []
    for name, value in headers:
        lower = name.lower()
        if lower == "transfer-encoding":
            codings.append(value.lower())
        elif lower == "content-length":
            lengths.append(value)
    return codings, lengths


def _length(values: Iterable[str]) -> int | None:
    lengths = list(values)
    if not lengths:
        return None
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise _malformed("Content-Length is not one plain number")
    return int(lengths[0])


def _malformed(detail: str) -> HeadRefused:
    return HeadRefused(Reason.MALFORMED_REQUEST, detail)
