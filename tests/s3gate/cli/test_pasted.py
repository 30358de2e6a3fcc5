"""What a person pastes: the words of one request come out, and never a secret in an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s3gate.cli.pasted import Pasted, parse_paste
from s3gate.policy.described_request import UnusableRequest

AWS = Path(sys.executable).with_name("aws")
SECRET, TOKEN = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYaD"
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIARTX3GSDSQAAACAQD/20261122/eu-west-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=1fbd3537e8a6"
)
SENT = (
    "2026-11-22 12:24:27,304 - MainThread - botocore.endpoint - DEBUG - Sending http request: "
    "<AWSPreparedRequest stream_output=False, method=PUT, url=https://bkt.s3.eu-west-1.amazonaws.com/a%20b, "
    "headers={'x-amz-copy-source': b'src/x', 'User-Agent': b\"it's {me}>\", 'X-Amz-Date': b'20261122T122427Z', "
    f"'Authorization': b'{SIGNED}', 'Content-Length': '0'}}>"
)
MAKING = (
    "2026-11-22 12:24:27,303 - MainThread - botocore.endpoint - DEBUG - Making request for "
    "OperationModel(name=PutObject) with params: {'url_path': '/k', 'query_string': {}, 'method': 'PUT', "
    "'headers': {'x-amz-acl': 'private', 'User-Agent': \"x', 'method': 'GET\"}, 'body': <botocore.X object at 0x7f>, "
    "'url': 'https://bkt.s3.eu-west-1.amazonaws.com/k', 'context': {'a': None}}"
)


def debug_of(tmp_path: Path, *words: str) -> str:
    """What the installed awscli prints with --debug when nobody listens."""
    environment = {
        "PATH": os.defpath,
        "AWS_ACCESS_KEY_ID": "AKIARTX3GSDSQAAACAQD",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "HTTPS_PROXY": "http://127.0.0.1:9",  # discard: closed
    }
    done = subprocess.run(
        [AWS, *words, "--debug"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_what_awscli_prints(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("hi")
    text = debug_of(tmp_path, "s3", "cp", "f", "s3://bkt/a b/é.txt")
    assert TOKEN in text
    pasted = parse_paste(text)
    headers = pasted.fields["headers"]
    assert isinstance(headers, list)
    assert (pasted.fields["method"], pasted.fields["url"]) == (
        "PUT",
        "https://bkt.s3.eu-west-1.amazonaws.com/a%20b/%C3%A9.txt",
    )
    assert headers[0] == ["Host", "bkt.s3.eu-west-1.amazonaws.com"]
    assert any(name == "Authorization" and "AKIARTX3GSDSQAAACAQD/" in value for name, value in headers)
    assert str(pasted.fields["now"]).endswith("+00:00")
    unsigned = parse_paste(next(line for line in text.splitlines() if "Making request for" in line))
    assert (unsigned.fields["method"], unsigned.fields["url"]) == (
        pasted.fields["method"],
        pasted.fields["url"],
    )
    assert "--key-id" in unsigned.notes[0]


def test_the_line_before_the_wire() -> None:
    assert parse_paste(SENT) == Pasted(
        {
            "method": "PUT",
            "url": "https://bkt.s3.eu-west-1.amazonaws.com/a%20b",
            "headers": [
                ["Host", "bkt.s3.eu-west-1.amazonaws.com"],
                ["x-amz-copy-source", "src/x"],
                ["User-Agent", "it's {me}>"],
                ["X-Amz-Date", "20261122T122427Z"],
                ["Authorization", SIGNED],
                ["Content-Length", "0"],
            ],
            "now": "2026-11-22T12:24:27+00:00",
        }
    )


def test_the_line_before_the_signature() -> None:
    """Text inside of a value is no item, whatever it looks like."""
    pasted = parse_paste(f"noise\n{MAKING}\nnoise")
    assert pasted.fields == {
        "method": "PUT",
        "url": "https://bkt.s3.eu-west-1.amazonaws.com/k",
        "headers": [
            ["Host", "bkt.s3.eu-west-1.amazonaws.com"],
            ["x-amz-acl", "private"],
            ["User-Agent", "x', 'method': 'GET"],
        ],
    }


def test_of_several_the_last_counts() -> None:
    pasted = parse_paste(f"{SENT}\n{MAKING}\n{SENT.replace('bkt', 'other')}\n")
    assert pasted.fields["url"] == "https://other.s3.eu-west-1.amazonaws.com/a%20b"
    assert pasted.notes == ("2 requests were pasted; this is the last",)


def test_a_host_that_was_sent_stays() -> None:
    pasted = parse_paste(SENT.replace("'User-Agent'", "'Host'").replace('b"it\'s {me}>"', "b'h'"))
    headers = pasted.fields["headers"]
    assert isinstance(headers, list)
    assert [pair for pair in headers if pair[0] == "Host"] == [["Host", "h"]]


def test_a_record_among_other_lines() -> None:
    record = {
        "event": "egress",
        "decision": "deny",
        "reason": "BUCKET_NOT_LISTED",
        "request": {"method": "GET", "scheme": "https", "host_header": "h", "target": "/k"},
    }
    text = f'noise\n{{"event": "heartbeat"}}\n2026-11-22T08:30:00 stream {json.dumps(record)}\n{{broken\n'
    assert parse_paste(text).fields["url"] == "https://h/k"


BAD = [
    ("nothing", "", "neither awscli's --debug output"),
    ("prose", f"it failed with {TOKEN}", "neither awscli's --debug output"),
    ("another record", '{"event": "heartbeat"}', "neither awscli's --debug output"),
    ("headers cut off", SENT.replace("'Content-Length': '0'}>", f"'{TOKEN}}}>"), "cut off or altered"),
    ("headers of another kind", SENT[: SENT.index("{'x-amz")] + "{1, 2}>", "no mapping"),
    ("a call instead of a value", SENT.replace("b'src/x'", "exit(1)"), "cut off or altered"),
    ("no time", SENT.replace("20261122T122427Z", "today"), "no time"),
    ("cut off before the url", MAKING[: MAKING.index("'body'")], "cut off"),
    ("much too deep", SENT[: SENT.index("{'x-amz")] + "{" * 9000 + "}>", "cut off or altered"),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_no_request(text: str, says: str) -> None:
    with pytest.raises(UnusableRequest) as caught:
        parse_paste(text)
    assert says in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert "Signature" not in str(caught.value)
