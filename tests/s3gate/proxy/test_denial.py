"""Answers to refusals: what awscli prints, what a CONNECT shows, and what must never be in them."""

from xml.etree import ElementTree as ET

import botocore.session
import pytest
from botocore.parsers import create_parser

from s3gate.policy.decision import ALLOWING, Decision, Reason
from s3gate.policy.reading import NOTHING_READ
from s3gate.proxy.denial import MESSAGE_CHARS, render_connect_denial, render_denial


def denial(
    reason: Reason = Reason.BUCKET_NOT_LISTED, detail: str = 'bucket "evil" is not on the egress allowlist'
) -> Decision:
    return Decision(reason, detail, NOTHING_READ)


def test_the_body_is_s3s_error_document() -> None:
    answer = render_denial(denial(), "01ID", method="PUT")
    assert answer.status == 403
    assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error>')
    error = ET.fromstring(answer.body)  # noqa: S314 - our own text
    assert error.findtext("Code") == "AccessDenied"
    assert error.findtext("Message") == (
        's3gate: bucket "evil" is not on the egress allowlist (BUCKET_NOT_LISTED); decision 01ID'
    )
    assert error.findtext("RequestId") == "01ID"


def test_the_headers_say_it_too() -> None:
    headers = dict(render_denial(denial(), "01ID", method="PUT").headers)
    assert headers["x-s3gate-decision"] == "deny"
    assert headers["x-s3gate-reason"] == "BUCKET_NOT_LISTED"
    assert headers["x-amz-request-id"] == "01ID"
    assert headers["proxy-status"].startswith(
        's3gate; error=http_request_denied; details="BUCKET_NOT_LISTED: bucket \\"evil\\"'
    )
    assert headers["connection"] == "close"


QUERY = (("Host", "sts.amazonaws.com"), ("content-type", "Application/x-www-form-urlencoded; charset=utf-8"))


@pytest.mark.parametrize("service", ["sts", "sns", "ec2", "iam", "cloudformation"])
def test_a_client_of_the_query_protocol_reads_the_message(service: str) -> None:
    """With botocore's own parser; of S3's document it says `Unknown`."""
    answer = render_denial(denial(), "01ID", method="POST", headers=QUERY)
    model = botocore.session.Session().get_service_model(service)
    operation = model.operation_model(model.operation_names[0])
    parsed = create_parser(model.protocol).parse(
        {"status_code": answer.status, "headers": dict(answer.headers), "body": answer.body},
        operation.output_shape,
    )
    assert parsed["Error"]["Code"] == "AccessDenied"
    assert parsed["Error"]["Message"] == (
        's3gate: bucket "evil" is not on the egress allowlist (BUCKET_NOT_LISTED); decision 01ID'
    )


@pytest.mark.parametrize(
    "kind", ["application/x-amz-json-1.1", "multipart/form-data; boundary=x", "", "text/csv"]
)
def test_nobody_else_gets_that_document(kind: str) -> None:
    answer = render_denial(denial(), "01ID", method="POST", headers=(("Content-Type", kind),))
    assert answer.body == render_denial(denial(), "01ID", method="POST").body


def test_head_has_the_headers_only() -> None:
    answer = render_denial(denial(), "01ID", method="HEAD")
    assert answer.body == b""
    assert int(dict(answer.headers)["content-length"]) > 0


@pytest.mark.parametrize(
    "detail", ["<b>&\"'", "a\r\nX-Injected: 1", "\x00\x1b[31m", "é\u2028", "x" * 5000, "\udc80"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_text_breaks_the_answer(detail: str, method: str) -> None:
    if detail == "\udc80":
        detail = "\ufffd"  # the reader decodes latin-1: lone surrogates never come this far
    answer = render_denial(denial(detail=detail), "01ID", method=method)
    raw = answer.to_bytes()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.count(b"\r\n") == len(answer.headers)
    assert all(0x20 <= byte < 0x7F for byte in head.replace(b"\r\n", b""))
    if method == "GET":
        assert int(dict(answer.headers)["content-length"]) == len(body)
        assert len(ET.fromstring(body).findtext("Message") or "") < MESSAGE_CHARS + 100  # noqa: S314 - our own text


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in ALLOWING])
def test_no_verdict_is_one_that_clients_retry_or_follow(reason: Reason) -> None:
    passing = {
        Reason.AUDIT_UNAVAILABLE, Reason.POLICY_UNAVAILABLE, Reason.LIMIT_EXCEEDED, Reason.DRAINING,
        Reason.DNS_FAILURE, Reason.UPSTREAM_UNREACHABLE,
    }  # fmt: skip
    status = render_denial(denial(reason), "01ID", method="GET").status
    assert status == 503 if reason in passing else status in (403, 407, 408)
    assert b"SlowDown" not in render_denial(denial(reason), "01ID", method="GET").body
    assert (
        render_connect_denial(denial(reason), "01ID")
        .to_bytes()
        .startswith(f"HTTP/1.1 {status} {reason}\r\n".encode())
    )


def test_a_status_may_be_given() -> None:
    assert render_denial(denial(Reason.LIMIT_EXCEEDED), "01ID", method="GET", status=431).status == 431
    assert (
        b"HTTP/1.1 502 Bad Gateway\r\n"
        in render_denial(denial(), "01ID", method="GET", status=502).to_bytes()
    )


def test_who_must_give_a_password_is_asked_for_one() -> None:
    challenge = ("proxy-authenticate", 'Basic realm="s3gate", charset="UTF-8"')
    denied = denial(Reason.PROXY_AUTH_REQUIRED, "why")
    connect, plain = render_connect_denial(denied, "01ID"), render_denial(denied, "01ID", method="GET")
    assert (connect.status, connect.phrase) == (407, "PROXY_AUTH_REQUIRED")
    assert (plain.status, plain.phrase) == (407, "Proxy Authentication Required")
    assert challenge in connect.headers
    assert challenge in plain.headers
    behind_tls = render_denial(denied, "01ID", method="GET", status=403)
    assert (behind_tls.status, challenge in behind_tls.headers) == (403, False)


@pytest.mark.parametrize("reason", sorted(set(Reason) - ALLOWING - {Reason.PROXY_AUTH_REQUIRED}))
def test_nobody_else_is_asked_for_a_password(reason: Reason) -> None:
    for answer in (
        render_connect_denial(denial(reason), "01ID"),
        render_denial(denial(reason), "01ID", method="GET"),
    ):
        assert answer.status != 407
        assert not any(name == "proxy-authenticate" for name, _ in answer.headers)
