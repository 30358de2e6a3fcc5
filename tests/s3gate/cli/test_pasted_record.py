"""A record becomes the request that it records; what it hides is said, not guessed in silence."""

from datetime import UTC, datetime

import pytest

from s3gate.cli.pasted_record import describe_record
from s3gate.policy.described_request import UnusableRequest, build_request

HOST = "bkt.s3.eu-west-1.amazonaws.com"


def record(identity: object = None, **request: object) -> dict[str, object]:
    return {
        "event": "egress",
        "time": "2026-11-22T08:30:00.123456Z",
        "decision": "deny",
        "reason": "KEY_NOT_ALLOWED",
        "would_deny": None,
        "rule": "uploads",
        "client": {"address": "10.20.0.5", "port": 1, "user": None, "vpc_endpoint": None},
        "request": {
            "method": "PUT", "scheme": "https", "connect": f"{HOST}:443", "sni": HOST, "authority": None,
            "host_header": HOST, "target": "/k%20ey?x-id=PutObject", "bucket": "bkt", "key": "k ey", "key_form": "full",
            "style": "virtual", "operation": "PutObject", "copy_source": None, **request,
        },
        "identity": identity or {"access_key_id": "AKIARTX3GSDSQAAACAQD", "signature_version": "v4", "presigned": False},
    }  # fmt: skip


def test_a_whole_record_is_the_request() -> None:
    fields, key_id, notes = describe_record(record())
    request = build_request(fields, datetime.now(UTC))
    assert (request.method, request.target, request.headers) == (
        "PUT",
        "/k%20ey?x-id=PutObject",
        (("Host", HOST),),
    )
    assert (request.connect, request.sni, request.client.address) == (f"{HOST}:443", HOST, "10.20.0.5")
    assert request.now == datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
    assert key_id == "AKIARTX3GSDSQAAACAQD"
    assert notes[0] == "recorded 2026-11-22T08:30:00.123456Z: deny, KEY_NOT_ALLOWED by rule uploads"
    assert "no headers but Host" in notes[-1]


def test_monitor_mode_is_told() -> None:
    _, _, notes = describe_record(
        record() | {"decision": "allow", "reason": "MONITOR_ONLY", "would_deny": "KEY_NOT_ALLOWED"}
    )
    assert "allow, MONITOR_ONLY (would deny: KEY_NOT_ALLOWED)" in notes[0]


def test_clear_text_stays_clear_text() -> None:
    fields, _, _ = describe_record(record(scheme="http", connect=None, sni=None))
    request = build_request(fields, datetime.now(UTC))
    assert (request.scheme, request.connect, request.sni) == ("http", None, None)


TARGETS = [
    ("presigned", {"target": "/k?X-Amz-Algorithm=AWS4&X-Amz-Signature=[64 bytes]&versionId=v"}, "/k?versionId=v", ""),
    ("values left out", {"target": "/k?tagging=[12 bytes]"}, "/k?tagging=x", "values that the record leaves out"),
    ("redacted", {"target": "/[redacted]/k"}, "/x/k", "values that the record leaves out"),
    ("hidden key", {"target": "/[path hidden]?x-id=[9 bytes]", "key": None, "key_form": "omit"}, "/x?x-id=x", "not recorded whole"),
    ("hidden list", {"target": "/[path hidden]", "key": None, "key_form": "hash", "operation": "ListObjectsV2"}, "/", "not recorded whole"),
    ("hidden path", {"target": "/[path hidden]", "style": "path", "key_form": "hash"}, "/bkt/x", "not recorded whole"),
    ("cut off", {"target": "/" + "k" * 9 + "...[+7 characters sha256:" + "0" * 64 + "]"}, "/x", "not recorded whole"),
    ("no target", {"target": None}, "/", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "target", "says"), [row[1:] for row in TARGETS], ids=[row[0] for row in TARGETS]
)
def test_targets(request_: dict[str, object], target: str, says: str) -> None:
    fields, _, notes = describe_record(record(**request_))
    assert fields["url"] == f"https://{HOST}{target}"
    assert any(says in one for one in notes)


COPIES = [
    ("bucket", {"bucket": "src", "key": "a b", "version_id": None}, "src/a%20b"),
    ("version", {"bucket": "src", "key": "k", "version_id": "v1"}, "src/k?versionId=v1"),
    ("access point", {"bucket": "arn:aws:s3:r:1:accesspoint/p", "key": "é", "version_id": None}, "arn:aws:s3:r:1:accesspoint/p/object/%C3%A9"),
    ("hidden", {"bucket": "src", "key": None, "version_id": None}, "src/x"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "header"), [row[1:] for row in COPIES], ids=[row[0] for row in COPIES])
def test_copies(source: dict[str, object], header: str) -> None:
    fields, _, notes = describe_record(record(copy_source=source))
    assert fields["headers"] == [["Host", HOST], ["x-amz-copy-source", header]]
    assert (source["key"] is None) == any("copy source is not recorded" in one for one in notes)


def test_another_kind_of_signature_is_told() -> None:
    _, key_id, notes = describe_record(
        record({"access_key_id": "AKIARTX3GSDSQAAACAQD", "signature_version": "v4", "presigned": True})
    )
    assert key_id == "AKIARTX3GSDSQAAACAQD"
    assert any("another kind" in one for one in notes)


def test_a_connect_that_was_refused() -> None:
    fields, key_id, notes = describe_record(
        record(
            {"access_key_id": None},
            method=None,
            host_header=None,
            connect="example.com:443",
            sni=None,
            target=None,
        )
    )
    assert (fields["url"], fields["connect"], fields["sni"], key_id) == (
        "https://example.com/", "example.com:443", "example.com", None,
    )  # fmt: skip
    assert any("before a request was read" in one for one in notes)


@pytest.mark.parametrize("name", [None, "h" * 9 + "...[+7 characters sha256:" + "0" * 64 + "]"])
def test_a_record_without_a_host(name: str | None) -> None:
    with pytest.raises(UnusableRequest):
        describe_record(record(host_header=name, connect=None))


def test_a_user_who_was_only_claimed_is_not_judged_as_one() -> None:
    client = {"address": "10.20.0.5", "port": 1, "user": "alice", "vpc_endpoint": None}
    proven, _, _ = describe_record(record() | {"client": client})
    claimed, _, notes = describe_record(record() | {"client": client, "reason": "PROXY_AUTH_REQUIRED"})
    assert (proven["user"], claimed["user"]) == ("alice", None)
    assert any("claimed with a wrong password" in note for note in notes)
