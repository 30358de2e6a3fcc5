"""What is in monitor mode is told at the start, each day of UTC, with each policy, and when it has ended."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from generate.asks import POLICY, policy
from s3gate.audit.journal import Journal
from s3gate.audit.monitor_watch import MonitorWatch, find_watched
from s3gate.audit.reader import read_records
from s3gate.policy.model import Policy

KEY = b"k" * 32
EVE = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
SCHEMA = json.loads((Path(__file__).parents[3] / "config" / "audit.schema.json").read_text())
RULE = "mode: monitor, until: 2026-11-23, "
WHOLE = policy("mode: monitor\nuntil: 2026-11-22\n")
BOTH = policy("mode: monitor\nuntil: 2026-11-22\n", POLICY.replace("{id: reports, ", "{id: reports, " + RULE))


class Clock:
    def __init__(self) -> None:
        self.now, self.policy = EVE, BOTH

    def current(self) -> Policy:
        return self.policy


def told(directory: Path) -> list[tuple[object, object, object]]:
    return [
        (one["watched"], one["whole_until"], [rule["rule"] for rule in one["rules"]])  # type: ignore[attr-defined] # a list
        for one in read_records(directory)
    ]


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (EVE, 2),
        (EVE + timedelta(microseconds=999_999), 2),
        (MIDNIGHT, 1),
        (MIDNIGHT + timedelta(hours=23, minutes=59, seconds=59), 1),
        (MIDNIGHT + timedelta(days=1), 0),
    ],
)
def test_it_ends_at_midnight_of_utc_to_the_second(now: datetime, count: int) -> None:
    assert find_watched(BOTH, now).count == count
    elsewhere = now.astimezone().astimezone(tz=None)
    assert find_watched(BOTH, elsewhere).count == count


async def test_a_record_a_day_and_one_for_the_end(tmp_path: Path) -> None:
    clock, journal = Clock(), Journal.open(tmp_path, "w1", KEY, 1 << 24)
    watch = MonitorWatch(journal, clock.current, lambda: clock.now)
    wrote = []
    for moment in (
        EVE,
        EVE,
        MIDNIGHT,
        MIDNIGHT + timedelta(hours=5),
        MIDNIGHT + timedelta(days=1),
        MIDNIGHT + timedelta(days=2),
    ):
        clock.now = moment
        wrote.append(await watch.look())
    journal.close()
    assert wrote == [True, False, True, False, True, False]
    assert told(tmp_path) == [(2, "2026-11-22", ["reports"]), (1, None, ["reports"]), (0, None, [])]
    for record in read_records(tmp_path):
        jsonschema.validate(record, SCHEMA)


async def test_another_policy_is_told_at_once(tmp_path: Path) -> None:
    clock, journal = Clock(), Journal.open(tmp_path, "w1", KEY, 1 << 24)
    watch = MonitorWatch(journal, clock.current, lambda: clock.now)
    clock.policy = policy()
    assert not await watch.look(), "nothing is watched, and nothing was"
    clock.policy = WHOLE
    assert await watch.look()
    clock.policy = policy()
    assert await watch.look(), "it has ended"
    journal.close()
    assert [one[0] for one in told(tmp_path)] == [1, 0]


async def test_without_a_policy_nothing_is_told(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, "w1", KEY, 1 << 24)
    assert not await MonitorWatch(journal, lambda: None).look()
    journal.close()


async def test_what_could_not_be_written_is_due_again(tmp_path: Path) -> None:
    clock, journal = Clock(), Journal.open(tmp_path / "a", "w1", KEY, 1 << 24)
    watch = MonitorWatch(journal, clock.current, lambda: clock.now)
    journal.close()
    assert not await watch.look()
    assert watch._told is None


async def test_it_looks_at_the_start_by_itself(tmp_path: Path) -> None:
    clock, journal = Clock(), Journal.open(tmp_path, "w1", KEY, 1 << 24)
    task = asyncio.create_task(MonitorWatch(journal, clock.current, lambda: clock.now).run())
    async with asyncio.timeout(10):
        while journal.acknowledged_seq < 1:  # noqa: ASYNC110 - the journal tells by its number only
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    journal.close()
    assert len(told(tmp_path)) == 1
