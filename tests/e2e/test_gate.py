"""The way of a request over real sockets: allowed ones pass unchanged, refused ones stop at their head."""

import pytest

from e2e.rig import EVIL, GOOD, Rig
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e


async def test_an_allowed_get_passes(rig: Rig) -> None:
    answer = await rig.ask(f"GET /k?versionId=1 HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode())
    assert answer.endswith(b"hello from /k?versionId=1")
    assert rig.s3.heads == [f"GET /k?versionId=1 HTTP/1.1\r\nHost: {GOOD}\r\n\r\n".encode()]
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE]
    (done,) = await rig.recorder.wait_completions(1)
    assert (done.complete, done.status, done.address, done.request_id) == (True, 200, "127.0.0.1", "REQ1")


async def test_an_allowed_put_streams(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        head = f"PUT /k HTTP/1.1\r\nHost: {GOOD}\r\nContent-Length: 300000\r\nExpect: 100-continue\r\n\r\n"
        await client.send(head.encode())
        assert await client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"x" * 300_000)
        assert (await client.read_answer()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert rig.s3.heads == [head.encode()]
    assert rig.s3.connections[0].bodies[0][0] == 300_000


async def test_a_refused_put_is_answered_at_its_head(rig: Rig) -> None:
    head = f"PUT /k HTTP/1.1\r\nHost: {EVIL}\r\nContent-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n"
    async with await rig.tunnel(EVIL) as client:
        await client.send(head.encode())
        answer = await client.read_all()
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\nx-s3gate-decision: deny\r\n")
    assert b"\r\n\r\n<?xml " in answer
    assert not rig.s3.touched
    assert not rig.dns.asked
    assert rig.recorder.reasons == [Reason.BUCKET_NOT_LISTED]
