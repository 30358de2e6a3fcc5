"""Every attack over real sockets: nothing of it reaches S3, the client is told at once, the journal says why."""

import asyncio
import re
from pathlib import Path

import pytest

from bypass.attack import ATTACKS, Attack, load
from bypass.ground import Ground, run_ground
from bypass.wire import PATIENCE_S, attack_proxy
from s3gate.policy.decision import Reason

pytestmark = pytest.mark.e2e

FILES = sorted(ATTACKS.glob("*.json"))
QUIET_S = 0.3  # behind an answer that S3 gave and that nothing more is expected after


async def play(ground: Ground, attack: Attack) -> str | None:
    """What went wrong with a row, or None."""
    quiet = (
        QUIET_S
        if attack.passes and attack.status == 200 and attack.reasons[-1].startswith("ALLOWED")
        else None
    )
    with ground.prepared(attack):
        outcome = await attack_proxy(attack, ground.gate.port, quiet)
        try:
            reasons = await ground.recorded(len(attack.reasons))
        except TimeoutError:
            return "the journal lacks a record"
    if tuple(reasons) != attack.reasons:
        return f"the journal says {reasons}"
    targets = tuple(head.split(b" ")[1].decode("latin-1") for head in ground.s3.heads)
    if targets != attack.passes or (ground.s3.connections and not attack.passes):
        return f"S3 saw {targets}"
    if not attack.passes and ground.dns.asked and not attack.dns:
        return f"the name server saw {dict(ground.dns.asked)}"
    if not outcome.answer and not outcome.ended:
        return f"no answer and no close within {PATIENCE_S} s"
    status = outcome.answer[9:12]
    if outcome.answer.startswith(b"HTTP/") and status != str(attack.status).encode():
        return f"the answer is {outcome.answer[:100]!r}"
    if not attack.passes and len(re.findall(rb"HTTP/1[.]1 [0-9]{3} ", outcome.answer)) > 1:
        return f"more than one answer: {outcome.answer!r}"
    told = b"x-s3gate-reason: " in outcome.answer
    if told and f"x-s3gate-reason: {attack.reasons[-1]}\r\n".encode() not in outcome.answer:
        return f"the answer gives another reason: {outcome.answer[:200]!r}"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_nothing_of_an_attack_gets_through(tmp_path: Path, path: Path) -> None:
    problems = {}
    async with run_ground(tmp_path) as ground:
        for attack in load(path):
            ground.dns.asked.clear()
            if problem := await play(ground, attack):
                problems[attack.name] = problem
                await asyncio.sleep(0.05)  # what comes late belongs to this row, not to the next
                await ground.recorded(0)
    assert not problems


def test_every_row_says_what_must_be_known() -> None:
    reasons = {reason.value for reason in Reason}
    for path in FILES:
        rows = list(load(path))
        assert len({row.name for row in rows}) == len(rows), path
        for row in rows:
            assert set(row.reasons) <= reasons, row
            assert row.why, row


def test_the_table_is_as_long_as_promised() -> None:
    hostile = [row for path in FILES if path.stem.startswith("hostile") for row in load(path)]
    assert len(hostile) >= 150
