"""A repository read by curl through the gate, unsigned as package tools do: that passes, and nothing near it."""

import asyncio
import os

import pytest

from e2e.rig import REGION, Rig
from s3gate.policy.decision import Reason
from s3gate.policy.document import parse_policy

pytestmark = pytest.mark.e2e

SECONDS = 30.0
POLICY = f"""
version: 1
endpoints: {{partitions: [aws], regions: [{REGION}], classes: [standard, dualstack]}}
presets: [amazon-linux-2023, ssm-agent]
plain_http: head
"""
BUCKET = f"al2023-repos-{REGION}-de612dc2"
REPOSITORY = f"{BUCKET}.s3.{REGION}.amazonaws.com"


async def curl(rig: Rig, *arguments: str) -> str:
    """What curl prints, and at the end the status of the answer."""
    proxy = f"http://127.0.0.1:{rig.gate.port}"
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--cacert", str(rig.ca_file), "--proxy", proxy, "-w", " %{http_code}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    return output.decode()


async def test_a_repository_is_read_unsigned(rig: Rig) -> None:
    rig.source.policy = parse_policy(POLICY.encode())
    list_path = "/core/mirrors/2023.6.20241031/x86_64/mirror.list"
    assert await curl(rig, f"https://{REPOSITORY}{list_path}") == f"hello from {list_path} 200"
    (record,) = rig.recorder.decisions
    assert record.decision.reason is Reason.ALLOWED_PRESET
    assert record.decision.rule == "preset:amazon-linux-2023"
    assert record.decision.reading.bucket == BUCKET


async def test_the_probe_of_the_agent_passes_in_clear_text(rig: Rig) -> None:
    rig.source.policy = parse_policy(POLICY.encode())
    assert (await curl(rig, "-I", f"http://amazon-ssm-{REGION}.s3.{REGION}.amazonaws.com/")).endswith(" 200")
    assert rig.recorder.reasons == [Reason.ALLOWED_PRESET]


ROWS = [
    ("an upload", REPOSITORY, "/k", ("-T", "/dev/null"), Reason.OPERATION_NOT_ALLOWED),
    ("a list", REPOSITORY, "/?list-type=2", (), Reason.OPERATION_NOT_ALLOWED),
    ("a name beside it", f"{BUCKET}-1.s3.{REGION}.amazonaws.com", "/k", (), Reason.BUCKET_NOT_LISTED),
    ("a preset that is not named", f"prod-{REGION}-starport-layer-bucket.s3.{REGION}.amazonaws.com", "/k", (), Reason.BUCKET_NOT_LISTED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "target", "options", "reason"), [one[1:] for one in ROWS], ids=[one[0] for one in ROWS]
)
async def test_nothing_near_it_passes(
    rig: Rig, host: str, target: str, options: tuple[str, ...], reason: Reason
) -> None:
    rig.source.policy = parse_policy(POLICY.encode())
    assert (await curl(rig, *options, f"https://{host}{target}")).endswith(" 403")
    assert rig.recorder.reasons == [reason]
    assert not rig.s3.touched
    assert not rig.dns.asked
