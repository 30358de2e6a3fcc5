"""One allowed request and its answer, without any I/O: bytes of one side in, bytes for the other out.

The normal case: the head goes out as it came, both bodies pass piece by piece with their
framing written anew, and each ends exactly where its framing says. Interim answers
(100 Continue) are passed on to a client that asked for them: the body starts to come
when S3 wants it, never before.

A body behind an Expect goes up when S3 asked for it, or not at all: S3 may answer at the
head and take whatever comes next for the next request, which nobody has judged. Of a
client that does not wait, the Expect is taken out, or its body is held until then.
"""

from time import monotonic_ns
from typing import Final

from s3gate.policy.decision import Reason
from s3gate.proxy.exchange import Exchange
from s3gate.proxy.forward import wants_close, write_request, write_response
from s3gate.proxy.framing import (
    LAST_CHUNK,
    BodyError,
    BodyReader,
    UntilClose,
    response_body,
    write_chunk,
)
from s3gate.proxy.head import HeadBuffer, HeadRefused, RequestHead, ResponseHead, parse_response_head
from s3gate.proxy.ports import Completion

RESPONSE_HEAD_BYTES: Final = 65_536  # S3's own answers have about 1 KiB, user metadata up to 2 KiB more
MAX_INTERIM: Final = 8  # interim answers to one request; S3 sends one
CONTINUE: Final = 100
SWITCHING: Final = 101
FINAL: Final = 200


# What a proxy may send once more by itself (RFC 9110 §9.2.2); a POST may have been carried out.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class BadGateway(Exception):
    """The upstream's answer breaks HTTP; the message says how, in one lower-case sentence."""


class Transfer:
    """One allowed exchange.

    Args:
        exchange: with its verdict.
        head: as the client sent it.
        target: origin-form, raw.
        body: how its body is framed, or None.
    """

    def __init__(self, exchange: Exchange, head: RequestHead, target: str, body: BodyReader | None) -> None:
        self.exchange = exchange
        self.request_done = body is None
        self.response_done = False
        self.reply: ResponseHead | None = None
        self.leg_spent = False
        """Whether the upstream connection cannot carry another request."""
        self.bytes_up = 0
        self.head = head
        self._target = target
        self._body = body
        self._held: list[bytes] = []
        self._kept = False  # whether anything is held, were it but the end of a chunked body
        self._opened = False
        self._wanted = False  # whether the upstream said 100 Continue
        self._touched = False  # whether bytes of the body were taken from the client
        self._interim = 0
        self._replies = HeadBuffer(RESPONSE_HEAD_BYTES, request=False)
        self._reply_body: BodyReader | None = None
        self._close = wants_close(head.headers, head.http_version)
        self._expects = any(name.lower() == "expect" for name, _ in head.headers)
        self._bytes_down = 0
        self._first_byte_ns: int | None = None

    @property
    def held(self) -> int:
        """Body bytes that wait for the upstream."""
        return sum(map(len, self._held))

    @property
    def waits(self) -> bool:
        """Whether the body may not go up yet: the upstream was asked for it, and has said nothing."""
        return self._barred and self.reply is None

    @property
    def close(self) -> bool:
        """Whether the client's connection ends behind the answer."""
        return self._close

    @property
    def repeatable(self) -> bool:
        """Whether nothing of it would be lost or done twice on another connection."""
        untouched = self.reply is None and self._interim == 0 and not self._touched
        return untouched and self.head.method in _IDEMPOTENT

    def end_connection(self) -> None:
        """Close behind the answer, whatever the client wished."""
        self._close = True

    def open(self) -> bytes:
        """The head and what is there of the body, for the upstream that stands now."""
        self._expects = self._expects and not self._touched and not self.request_done
        self._opened = True
        chunked = self._body is not None and self._body.chunked
        head = write_request(self.head, self._target, chunked=chunked, expects=self._expects)
        return head if self._barred else head + self._let_go()

    def release(self) -> bytes:
        """What was held for the upstream, once it wants it; nothing before, or when it has answered."""
        return b"" if self._barred or not self._kept else self._let_go()

    def feed_request(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes of the client's body.

        Returns:
            Bytes for the upstream, and the bytes behind the end of the body.

        Raises:
            BodyError: the framing is broken.
        """
        if self._body is None:
            return b"", data
        self._touched = self._touched or bool(data)
        fed = self._body.feed(data)
        self.request_done = fed.done
        if not self._opened or self._barred:
            if self.reply is None:
                self._held += fed.pieces
                self._kept = True
            return b"", fed.rest
        out = self._frame_request(fed.pieces)
        if fed.done and self._body.chunked:
            out += LAST_CHUNK
        return out, fed.rest

    def feed_response(self, data: bytes) -> bytes:
        """Take bytes of the upstream.

        Returns:
            Bytes for the client.

        Raises:
            BadGateway: they break HTTP.
        """
        if self.response_done:
            self.leg_spent = True  # bytes that nobody asked for
            return b""
        out: list[bytes] = []
        if self.reply is None:
            self._replies.feed(data)
            out += self._read_heads()
            data = self._replies.rest() if self.reply is not None else b""
        if self.reply is not None and (data or self._reply_body is None):
            out.append(self._pass_body(data))
        return b"".join(out)

    def end_response(self) -> bytes:
        """The upstream closed.

        Returns:
            Bytes for the client.

        Raises:
            BadGateway: in the middle of its answer, or before it.
        """
        self.leg_spent = True
        if self.response_done:
            return b""
        if isinstance(self._reply_body, UntilClose):
            self.response_done = True
            return LAST_CHUNK if self._chunks_down else b""
        raise BadGateway("the upstream closed before its answer was complete")

    def completion(
        self,
        *,
        address: str | None,
        port: int | None,
        reason: Reason | None = None,
        detail: str | None = None,
    ) -> Completion:
        """How it ended, as it stands now."""
        upstream = self.exchange.upstream
        started = self.exchange.started_ns
        return Completion(
            decision_id=self.exchange.decision_id,
            complete=self.response_done and reason is None,
            status=self.reply.status if self.reply else None,
            bytes_up=self.bytes_up,
            bytes_down=self._bytes_down,
            duration_us=(monotonic_ns() - started) // 1000,
            first_byte_us=(self._first_byte_ns - started) // 1000 if self._first_byte_ns else None,
            address=address,
            port=port,
            ttl_s=upstream.ttl_s if upstream else None,
            reused=upstream.reused if upstream else False,
            request_id=self._reply_header("x-amz-request-id"),
            id_2=self._reply_header("x-amz-id-2"),
            reason=reason,
            detail=detail,
        )

    @property
    def _chunks_down(self) -> bool:
        """Whether the answer's body goes out in chunks: of unknown length, to a client that knows them."""
        return (
            self._reply_body is not None and self._reply_body.chunked and self.head.http_version == "HTTP/1.1"
        )

    @property
    def _barred(self) -> bool:
        """Whether no byte of the body may go up: the upstream was asked, and did not say that it wants it."""
        return self._opened and self._expects and not self._wanted

    def _let_go(self) -> bytes:
        """What is held, framed."""
        pieces, self._held, self._kept = self._held, [], False
        out = self._frame_request(pieces)
        if self._body is not None and self._body.chunked and self.request_done:
            out += LAST_CHUNK
        return out

    def _frame_request(self, pieces: list[bytes]) -> bytes:
        size = sum(map(len, pieces))
        self.bytes_up += size
        if self._body is None or not size:
            return b""
        if self._body.chunked:
            return write_chunk(pieces, size)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_heads(self) -> list[bytes]:
        """Interim heads and the final one, as far as they are there."""
        out: list[bytes] = []
        try:
            while self.reply is None and (raw := self._replies.take()) is not None:
                head = parse_response_head(raw)
                if head.status >= FINAL:
                    out.append(self._open_reply(head))
                elif (passed := self._pass_interim(head)) is not None:
                    out.append(passed)
        except HeadRefused as exc:
            raise BadGateway(f"the upstream's answer is not HTTP/1.1: {exc.detail}") from exc
        return out

    def _pass_interim(self, head: ResponseHead) -> bytes | None:
        self._interim += 1
        if head.status == SWITCHING or self._interim > MAX_INTERIM:
            raise BadGateway("the upstream wants to leave HTTP/1.1, or never answers")
        self._wanted = self._wanted or head.status == CONTINUE
        wanted = head.status == CONTINUE and self._expects and self.head.http_version == "HTTP/1.1"
        return b"HTTP/1.1 100 Continue\r\n\r\n" if wanted else None

    def _open_reply(self, head: ResponseHead) -> bytes:
        self._reply_body = response_body(head, self.head.method)
        self.reply = head
        self._first_byte_ns = monotonic_ns()
        if not self.request_done or self._kept:
            self._close = True  # the client may leave its body unsent; the next byte would be ambiguous
            self.leg_spent = True
            self._held, self._kept = [], False
        if isinstance(self._reply_body, UntilClose) or wants_close(head.headers, head.http_version):
            self.leg_spent = True
        if self.head.http_version != "HTTP/1.1":
            self._close = True
        return write_response(head, chunked=self._chunks_down, close=self._close)

    def _pass_body(self, data: bytes) -> bytes:
        if self._reply_body is None:
            self.response_done = True
            self.leg_spent = self.leg_spent or bool(data)
            return b""
        try:
            fed = self._reply_body.feed(data)
        except BodyError as exc:
            raise BadGateway(f"the upstream's answer is not framed as HTTP/1.1: {exc}") from exc
        size = sum(map(len, fed.pieces))
        self._bytes_down += size
        chunks = self._chunks_down
        out = [write_chunk(fed.pieces, size)] if chunks and size else fed.pieces
        if fed.done:
            self.response_done = True
            self.leg_spent = self.leg_spent or bool(fed.rest)
            if chunks:
                out = [*out, LAST_CHUNK]
        return out[0] if len(out) == 1 else b"".join(out)

    def _reply_header(self, wanted: str) -> str | None:
        if self.reply is None:
            return None
        return next((value for name, value in self.reply.headers if name.lower() == wanted), None)
