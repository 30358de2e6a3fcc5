"""Heartbeats tell what happened since the last one that was written, and the end is told too."""

import asyncio
from pathlib import Path

from s3gate.audit.heartbeat import Heartbeat, Tally
from s3gate.audit.journal import Journal, Kind
from s3gate.audit.reader import read_records
from s3gate.audit.standing import Standing

KEY = b"k" * 32


def make(tmp_path: Path) -> tuple[Journal, Tally, Heartbeat]:
    journal, tally = Journal.open(tmp_path, "w1", KEY, 1 << 24), Tally()
    return journal, tally, Heartbeat(journal, tally, lambda: "sha256:p", None, interval_s=3600)


async def test_one_at_the_start_and_one_at_the_end(tmp_path: Path) -> None:
    journal, tally, heartbeat = make(tmp_path)
    tally.decided("TIMEOUT")
    task = asyncio.create_task(heartbeat.run())
    while journal.acknowledged_seq < 1:  # noqa: ASYNC110 - the journal tells by its number only
        await asyncio.sleep(0)
    await journal.append({"event": "egress"}, Kind.DENY)
    tally.decided("TIMEOUT")
    tally.decided("TIMEOUT")
    task.cancel()
    await asyncio.wait([task])
    journal.close()
    first, _, last = read_records(tmp_path)
    assert (first["counts"], first["heads"], first["last"]) == ({"TIMEOUT": 1}, [], False)
    assert (last["counts"], last["policy"], last["last"]) == ({"TIMEOUT": 2}, "sha256:p", True)
    assert last["heads"] == [{"writer": "w1", "seq": 2, "hash": last["prev"]}]


async def test_what_was_not_told_is_told_by_the_next(tmp_path: Path) -> None:
    journal, tally, heartbeat = make(tmp_path)
    tally.decided("TIMEOUT")
    tally.failed()
    journal.close()
    assert not await heartbeat.beat()
    again = Journal.open(tmp_path, "w1", KEY, 1 << 24)
    assert await Heartbeat(again, tally, lambda: None, None).beat()
    again.close()
    (record,) = read_records(tmp_path)
    assert (record["counts"], record["unavailable"]) == ({"TIMEOUT": 1}, 1)


async def test_it_tells_how_shipping_stands(tmp_path: Path) -> None:
    journal, tally, _ = make(tmp_path)
    standing = Standing()
    standing.fail("the shipper cannot be started: no such file")
    assert await Heartbeat(journal, tally, lambda: None, standing).beat()
    journal.close()
    (record,) = read_records(tmp_path)
    delivery = record["delivery"]
    assert isinstance(delivery, dict)
    assert delivery["acknowledged_seq"] == 0
    assert "shipper" in str(delivery["error"])
