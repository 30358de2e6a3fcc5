"""A name whose answer changes between two look-ups: there is one look-up, and what it says is what is dialled."""

from pathlib import Path

import pytest

from bypass.attack import Attack, to_bytes
from bypass.ground import S3_ADDRESS, run_ground
from bypass.wire import attack_proxy
from s3gate.demo.dns_server import Answer

pytestmark = pytest.mark.e2e

HOST = "good-bucket.s3.ap-northeast-1.amazonaws.com"
ASK = Attack(
    name="a request that is allowed",
    category="rebinding",
    connect=f"{HOST}:443",
    sni="same",
    send=to_bytes(f"GET /k HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{{signed}}\r\n\r\n"),
    reasons=("ALLOWED_BY_RULE",),
    judged=None,
    why="",
    status=200,
)
QUESTIONS = 2  # A and AAAA


async def test_each_connection_asks_once_and_goes_where_that_answer_says(tmp_path: Path) -> None:
    async with run_ground(tmp_path) as ground:
        for times, (address, reason) in enumerate(
            [(S3_ADDRESS, "ALLOWED_BY_RULE"), ("169.254.169.254", "UPSTREAM_ADDRESS_NOT_ALLOWED")] * 3, 1
        ):
            ground.dns.set_answer(HOST, Answer(ipv4=(address,), ttl=3600))
            await attack_proxy(ASK, ground.gate.port)
            assert await ground.recorded(1) == [reason]
            assert ground.dns.asked[HOST] == QUESTIONS * times
        assert {seen.address for seen in ground.s3.connections} == {S3_ADDRESS}
        assert len(ground.s3.connections) == 3


async def test_an_answer_that_turns_evil_with_each_question_is_seen_as_it_is(tmp_path: Path) -> None:
    """The pool gives S3's address and a private one in turn: what was judged is what was dialled."""
    async with run_ground(tmp_path, dns_pool=(S3_ADDRESS, "10.0.0.1")) as ground:
        for reason in ["ALLOWED_BY_RULE", "UPSTREAM_ADDRESS_NOT_ALLOWED"] * 5:
            await attack_proxy(ASK, ground.gate.port)
            assert await ground.recorded(1) == [reason]
        assert len(ground.s3.connections) == 5
