"""One head behind the other: each judged by itself, none behind a denial. Hostile heads are in tests/bypass/."""

import asyncio
import re

import pytest

from e2e.fake_s3 import Seen
from e2e.rig import EVIL, GOOD, Rig
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e


def get(
    extra: str = "", *, target: str = "/k", host: str = GOOD, method: str = "GET", version: str = "HTTP/1.1"
) -> bytes:
    return f"{method} {target} {version}\r\nHost: {host}\r\n{extra}\r\n".encode("latin-1")


async def test_nothing_is_read_as_a_request_after_a_denial(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(get(host=EVIL) + get() + get())
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 1
    assert rig.recorder.reasons == [Reason.HOST_MISMATCH]
    assert not rig.s3.touched


async def test_after_an_allow_the_next_head_is_judged_by_itself(rig: Rig) -> None:
    async with await rig.tunnel() as client:
        await client.send(get(target="/1") + get(target="/2", host=EVIL) + get(target="/3"))
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 2
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.HOST_MISMATCH]
    assert [head.split(b" ")[1] for head in rig.s3.heads] == [b"/1"]


async def test_a_body_ends_where_it_ends(rig: Rig) -> None:
    """The bytes behind a body are the next head, however they arrive."""
    put = get("Transfer-Encoding: chunked\r\n", method="PUT") + b"3\r\nabc\r\n0\r\n\r\n"
    async with await rig.tunnel() as client:
        await client.send(put + get(target="/2", host=EVIL))
        answer = await client.read_all()
    assert len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", answer)) == 2
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.HOST_MISMATCH]
    assert len(rig.s3.heads) == 1


async def test_too_much_behind_a_request_ends_the_connection(rig: Rig) -> None:
    async def never(_seen: Seen, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1 << 20)
        await reader.read()

    rig.s3.script = never
    async with await rig.tunnel() as client:
        await client.send(get() + b"G" * 200_000)
        answer = await client.read_all()
    assert b"LIMIT_EXCEEDED" in answer
    assert rig.recorder.reasons == [Reason.ALLOWED_BY_RULE, Reason.LIMIT_EXCEEDED]
