"""Bytes of an HTTP/1 head → its parts as sent, or a refusal; nothing is repaired.

The normal case: a start line, header lines, an empty line, each ended by CR LF. The
grammar is RFC 9112 without its leniencies: no bare CR or LF, no NUL or other control,
no folded line, no space before a colon, no empty line in front. What is sloppy here is
where two readers differ, and the upstream is the second reader.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from s3gate.policy.decision import Reason

# token = 1*tchar (RFC 9110 §5.6.2)
_TCHAR: Final = rb"!#$%&'*+\-.^_`|~0-9A-Za-z"
_TOKEN: Final = rb"[" + _TCHAR + rb"]+"
# request-line = method SP request-target SP HTTP-version (RFC 9112 §3); the target is any visible
# byte: what it may hold is judged by the reader of targets, which sees it raw.
_REQUEST_LINE: Final = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e\x80-\xff]+) (HTTP/1\.[01])")
# status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 §4); the last SP may lack.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
# field-line = field-name ":" OWS field-value OWS (RFC 9112 §5), field-value of RFC 9110 §5.5
_FIELD: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
# The same, all lines of a head in one search; a line that is none is not found, and so is missed by count.
_FIELDS: Final = re.compile((rb"\r\n" + _FIELD.pattern + rb"(?=\r\n|\Z)").decode("latin-1"))
# Controls that occur in no head: all but HTAB, LF, CR (RFC 9110 §5.5).
_CONTROLS: Final = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
_NO_CONTROLS: Final = bytes(set(range(256)).difference(_CONTROLS))
_CONTROL: Final = re.compile(rb"[" + re.escape(_CONTROLS) + rb"]")
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_STARTS: Final = re.compile(rb"[" + _TCHAR + rb"]")
# The start of a HTTP/2 connection (RFC 9113 §3.4).
_PREFACE_LINE: Final = b"PRI * HTTP/2.0"

Headers = tuple[tuple[str, str], ...]


class HeadRefused(Exception):
    """A head, or the framing it announces, is not served.

    Args:
        reason: MALFORMED_REQUEST, PROTOCOL_UPGRADE or LIMIT_EXCEEDED.
        detail: one lower-case sentence; no bytes of the client.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request head as sent.

    Args:
        method: case kept.
        target: raw request-target.
        http_version: `HTTP/1.0` or `HTTP/1.1`.
        headers: pairs in order, names as sent, values without surrounding blanks, latin-1.
        lines: the header lines as sent, in the same order, without line ends.
    """

    method: str
    target: str
    http_version: str
    headers: Headers
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A response head as the upstream sent it.

    Args:
        status: 100 to 599.
        http_version: `HTTP/1.0` or `HTTP/1.1`.
        headers: pairs in order.
        lines: the header lines as sent.
        start: the status line as sent, without line end.
    """

    status: int
    http_version: str
    headers: Headers
    lines: tuple[bytes, ...]
    start: bytes


class HeadBuffer:
    """Collects bytes until a head is complete, and refuses as soon as it cannot become one.

    Args:
        limit: most bytes of a head, without the empty line.
        request: whether a request line is expected (else a status line).
    """

    __slots__ = ("_data", "_limit", "_request", "_seen", "_started")

    def __init__(self, limit: int, *, request: bool) -> None:
        self._data = bytearray()
        self._limit = limit
        self._request = request
        self._seen = 0
        self._started = False

    def __len__(self) -> int:
        """Bytes that wait."""
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Take bytes in; nothing is judged yet."""
        self._data += data

    def rest(self) -> bytes:
        """Everything that waits, taken out."""
        data = bytes(self._data)
        self._data.clear()
        self._seen = 0
        self._started = False
        return data

    def take(self) -> bytes | None:
        """The next complete head without its empty line, or None when more must come.

        Raises:
            HeadRefused: it breaks the grammar already, or is too long.
        """
        end = self._data.find(b"\r\n\r\n", max(0, self._seen - 3))
        stop = end if end >= 0 else len(self._data)
        self._check(max(0, self._seen - 1), stop)
        if stop > self._limit:
            raise HeadRefused(Reason.LIMIT_EXCEEDED, f"the head is longer than {self._limit} bytes")
        if end < 0:
            self._seen = len(self._data)
            return None
        head = bytes(self._data[:end])
        del self._data[: end + 4]
        self._seen = 0
        self._started = False
        return head

    def _check(self, start: int, stop: int) -> None:
        if self._data and not _STARTS.match(self._data):
            raise _malformed("the head does not start with a letter; is it TLS, or binary?")
        if not _is_clean(self._data[start:stop]):
            if _CONTROL.search(self._data, start, stop):
                raise _malformed("the head holds a control character")
            if _BARE.search(self._data, start, stop):
                raise _malformed("the head holds a bare CR or LF")
        if not self._started and (line_end := self._data.find(b"\r\n", start, stop + 2)) >= 0:
            self._started = True
            if self._request:
                _match_request_line(bytes(self._data[:line_end]))


def parse_request_head(raw: bytes) -> RequestHead:
    """Read a complete request head.

    Args:
        raw: from `HeadBuffer.take`.

    Raises:
        HeadRefused: it breaks the grammar.
    """
    first, *lines = raw.split(b"\r\n")
    method, target, version = _match_request_line(first)
    headers = _parse_fields(raw, lines)
    return RequestHead(method, target, version, headers, tuple(lines))


def parse_response_head(raw: bytes) -> ResponseHead:
    """Read a complete response head.

    Args:
        raw: from `HeadBuffer.take`.

    Raises:
        HeadRefused: it breaks the grammar.
    """
    first, *lines = raw.split(b"\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        raise _malformed("the status line is not that of HTTP/1.x")
    headers = _parse_fields(raw, lines)
    version = f"HTTP/1.{match[1].decode('ascii')}"
    return ResponseHead(int(match[2]), version, headers, tuple(lines), first)


def _match_request_line(line: bytes) -> tuple[str, str, str]:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        if line == _PREFACE_LINE:
            raise HeadRefused(Reason.PROTOCOL_UPGRADE, "HTTP/2 is not spoken here; use HTTP/1.1")
        raise _malformed("the request line is not `method target HTTP/1.1`")
    method, target, version = match.groups()
    return method.decode("ascii"), target.decode("latin-1"), version.decode("ascii")


def _is_clean(data: bytes | bytearray) -> bool:
    """Whether it holds no control, and CR and LF in pairs alone: true of nearly every head, and soon told."""
    pairs = data.count(b"\r\n")
    return data.count(b"\r") == pairs == data.count(b"\n") and not data.translate(None, _NO_CONTROLS)


def _parse_fields(raw: bytes, lines: Sequence[bytes]) -> Headers:
    """All header lines at once; one by one when one is broken, to say how."""
    found = _FIELDS.findall(raw.decode("latin-1"))
    if len(found) != len(lines):
        return tuple(map(_parse_field, lines))
    return tuple([(name, value.rstrip(" \t")) for name, value in found])


def _parse_field(line: bytes) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        if line[:1] in (b" ", b"\t"):
            raise _malformed("a header line is folded")
        raise _malformed("a header line is not `name: value`")
    name, value = match.groups()
    return name.decode("ascii"), value.rstrip(b" \t").decode("latin-1")


def _malformed(detail: str) -> HeadRefused:
    return HeadRefused(Reason.MALFORMED_REQUEST, detail)
