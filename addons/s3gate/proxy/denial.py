"""A Decision → the answer a person can act on: status, headers and S3's error document.

The normal case, inside the tunnel: 403, `<Error><Code>AccessDenied</Code><Message>s3gate:
… (BUCKET_NOT_LISTED); decision 01J…</Message>`, which awscli prints and does not retry.
Who speaks the Query protocol (STS, SNS, EC2) gets the same in that protocol's document: of
S3's, awscli would print `Unknown`. To a CONNECT the reason stands in the status line. 503
is kept for what passes by itself, since clients retry it; never a redirect, 429 or a code
that clients retry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

from s3gate.policy.decision import Decision, Reason
from s3gate.proxy.basic_auth import CHALLENGE

AUTH_REQUIRED: Final = 407  # RFC 9110 §15.5.8: it must come with Proxy-Authenticate
# Every other reason is 403: a verdict, which clients do not retry (measured: awscli, boto3).
# DNS_FAILURE and UPSTREAM_UNREACHABLE pass by themselves; UPSTREAM_TLS_FAILURE does not: a
# certificate that is not trusted now is not trusted in a second either.
STATUS: Final[Mapping[Reason, int]] = MappingProxyType(
    {
        Reason.AUDIT_UNAVAILABLE: 503,
        Reason.POLICY_UNAVAILABLE: 503,
        Reason.LIMIT_EXCEEDED: 503,
        Reason.DRAINING: 503,
        Reason.DNS_FAILURE: 503,
        Reason.UPSTREAM_UNREACHABLE: 503,
        Reason.TIMEOUT: 408,
        Reason.PROXY_AUTH_REQUIRED: AUTH_REQUIRED,
    }
)
_PHRASES: Final = {
    403: "Forbidden",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
# S3's own codes for such answers (S3 API reference, error responses); `SlowDown` would be retried.
_CODES: Final = {403: "AccessDenied", 407: "AccessDenied", 408: "RequestTimeout", 503: "ServiceUnavailable"}
_OTHER_CODE: Final = "AccessDenied"

# Of a request's body in the Query protocol (Smithy 2.0, AWS query protocol: request serialization)
QUERY_TYPE: Final = "application/x-www-form-urlencoded"

# Most characters of a sentence in an answer: it may quote a host of 253 characters and a key of 1,024.
MESSAGE_CHARS: Final = 2048
DETAIL_CHARS: Final = 256  # of it in a header

# RFC 9209 §2.3.9 and .2, .6, .21: what a proxy did instead of forwarding
_PROXY_ERRORS: Final = {
    Reason.DNS_FAILURE: "dns_error",
    Reason.UPSTREAM_UNREACHABLE: "destination_unavailable",
    Reason.UPSTREAM_ADDRESS_NOT_ALLOWED: "destination_ip_prohibited",
    Reason.UPSTREAM_TLS_FAILURE: "tls_certificate_error",
    Reason.INTERNAL_ERROR: "proxy_internal_error",
    Reason.LIMIT_EXCEEDED: "connection_limit_reached",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole response.

    Args:
        status: HTTP status.
        phrase: reason phrase of the status line.
        headers: pairs in order, with Content-Length and `Connection: close`.
        body: its bytes; empty for HEAD.
    """

    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def to_bytes(self) -> bytes:
        """The response as it goes over the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {self.phrase}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join((*lines, "", "")).encode("ascii") + self.body


def render_denial(
    decision: Decision,
    decision_id: str,
    *,
    method: str,
    headers: Iterable[tuple[str, str]] = (),
    status: int | None = None,
) -> Answer:
    """The answer to a refused request inside the tunnel, or in clear text.

    Args:
        decision: a denial.
        decision_id: what the user may quote to the operator.
        method: of the request; HEAD has no body.
        headers: of the request.
        status: instead of the one that belongs to the reason.
    """
    status = status or STATUS.get(decision.reason, 403)
    body = _document(decision, decision_id, _CODES.get(status, _OTHER_CODE), query=_is_query(headers))
    own = (
        *_headers(decision, decision_id, status),
        ("content-type", "application/xml"),
        *_ending(body),
    )
    return Answer(status, _PHRASES[status], own, b"" if method == "HEAD" else body)


def render_connect_denial(decision: Decision, decision_id: str) -> Answer:
    """The answer to a refused CONNECT: the reason stands in the status line, for `--debug`.

    Args:
        decision: a denial.
        decision_id: what the user may quote to the operator.
    """
    status = STATUS.get(decision.reason, 403)
    body = (_message(decision, decision_id) + "\n").encode()
    headers = (
        *_headers(decision, decision_id, status),
        ("content-type", "text/plain; charset=utf-8"),
        *_ending(body),
    )
    return Answer(status, decision.reason.value, headers, body)


def _headers(decision: Decision, decision_id: str, status: int) -> tuple[tuple[str, str], ...]:
    error = _PROXY_ERRORS.get(decision.reason, "http_request_denied")
    details = _sf_string(f"{decision.reason.value}: {decision.detail}"[:DETAIL_CHARS])
    challenge = (("proxy-authenticate", CHALLENGE),) if status == AUTH_REQUIRED else ()
    return (
        *challenge,
        ("x-s3gate-decision", "deny"),
        ("x-s3gate-reason", decision.reason.value),
        ("x-amz-request-id", decision_id),
        ("proxy-status", f's3gate; error={error}; details="{details}"'),
    )


def _ending(body: bytes) -> tuple[tuple[str, str], ...]:
    return ("content-length", str(len(body))), ("connection", "close")


def _message(decision: Decision, decision_id: str) -> str:
    return f"s3gate: {_printable(decision.detail)} ({decision.reason.value}); decision {decision_id}"


def _is_query(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a request speaks the Query protocol: its parameters are a form, which S3 takes nowhere."""
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    return any(one.partition(";")[0].strip().lower() == QUERY_TYPE for one in kinds)


def _document(decision: Decision, decision_id: str, code: str, *, query: bool) -> bytes:
    """S3's error document, or the Query protocol's; a byte before `<?xml` would cost botocore the message."""
    error = f"<Code>{code}</Code><Message>{escape(_message(decision, decision_id))}</Message>"
    request = f"<RequestId>{escape(decision_id)}</RequestId>"
    whole = (
        f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error>{request}</ErrorResponse>"
        if query
        else f"<Error>{error}{request}</Error>"
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{whole}'.encode()


def _printable(text: str) -> str:
    """One bounded line without controls, which XML could not carry."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:MESSAGE_CHARS]
    )


def _sf_string(text: str) -> str:
    """The inside of a Structured Fields string (RFC 8941 §3.3.3): ASCII, quote and backslash escaped."""
    ascii_text = "".join(char if " " <= char <= "~" else "?" for char in text)
    return ascii_text.replace("\\", "\\\\").replace('"', '\\"')
