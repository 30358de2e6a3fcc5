"""A new policy is recorded before it judges; what cannot be recorded does not come into force."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_process import POLICY
from s3gate.audit.journal import Journal
from s3gate.audit.reader import read_records
from s3gate.in_force import Follower, News, PolicyInForce, check_file
from s3gate.loading import Loaded
from s3gate.policy.document import parse_policy
from s3gate.policy_keeper import Refused

ONE = Loaded(parse_policy(POLICY.encode()), "p", "1")
TWO = Loaded(parse_policy(POLICY.replace("good-", "new-").encode()), "p", "2")
REFUSED = Refused(1, "line 4: no", "sha256:bad", "3")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path, "w", b"k" * 32, 2**24)
    yield opened
    opened.close()


def told(directory: Path) -> list[tuple[object, object, object]]:
    return [(one["before"], one["policy"], one["source"]) for one in read_records(directory / "w")]


async def test_it_is_recorded_then_in_force_once(journal: Journal, tmp_path: Path) -> None:
    in_force, renewed = PolicyInForce(ONE), list[str | None]()
    follower = Follower(in_force, journal, lambda: renewed.append(in_force.digest))
    for _ in range(2):
        await follower.follow(News(2, "p"), lambda: TWO)
    await follower.follow(News(1, "p"), lambda: ONE)
    assert (in_force.current(), in_force.number, renewed) == (TWO.policy, 2, [TWO.policy.digest])
    assert told(tmp_path) == [(ONE.policy.digest, TWO.policy.digest, "p (2)")]


async def test_many_at_once_end_with_the_newest(journal: Journal) -> None:
    in_force = PolicyInForce(ONE)
    follower = Follower(in_force, journal)
    await asyncio.gather(
        *(follower.follow(News(n, "p"), lambda n=n: TWO if n % 2 else ONE) for n in range(2, 12))  # type: ignore[misc] # bound here
    )
    assert (in_force.number, in_force.current()) == (11, TWO.policy)


async def test_a_refusal_is_recorded_once_beside_the_policy_that_stays(
    journal: Journal, tmp_path: Path
) -> None:
    in_force = PolicyInForce(ONE)
    follower = Follower(in_force, journal)
    for _ in range(2):
        await follower.follow(News(1, "p", REFUSED), lambda: ONE)
    kept = ONE.policy.digest
    assert told(tmp_path) == [(kept, kept, "p (3), sha256:bad refused: line 4: no")]


async def test_a_refusal_just_before_a_good_policy_is_recorded_too(journal: Journal, tmp_path: Path) -> None:
    in_force = PolicyInForce(ONE)
    await Follower(in_force, journal).follow(News(2, "p", REFUSED), lambda: TWO)
    kept, after = ONE.policy.digest, TWO.policy.digest
    assert [one[:2] for one in told(tmp_path)] == [(kept, kept), (kept, after)]


async def test_what_was_refused_before_a_worker_began_is_not_its_own(
    journal: Journal, tmp_path: Path
) -> None:
    await Follower(PolicyInForce(ONE, refused=1), journal).follow(News(1, "p", REFUSED), lambda: ONE)
    assert told(tmp_path) == []


async def test_the_first_policy_of_a_gate_without_one(journal: Journal, tmp_path: Path) -> None:
    in_force = PolicyInForce(None)
    follower = Follower(in_force, journal)
    await follower.follow(News(0, "p", REFUSED), lambda: ONE)
    assert in_force.current() is None
    await follower.follow(News(1, "p"), lambda: ONE)
    assert in_force.current() is ONE.policy
    assert told(tmp_path) == [(None, ONE.policy.digest, "p (1)")]


async def test_what_cannot_be_recorded_or_fetched_is_tried_again(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_force = PolicyInForce(ONE)

    def gone() -> Loaded:
        raise FileNotFoundError

    await Follower(in_force, journal).follow(News(2, "p"), gone)
    closed = Journal.open(tmp_path, "other", b"k" * 32, 2**24)
    closed.close()
    await Follower(in_force, closed).follow(News(2, "p"), lambda: TWO)
    assert in_force.current() is ONE.policy
    assert caplog.text.count("the policy stays as it is for now") == 2
    await Follower(in_force, journal).follow(News(2, "p"), lambda: TWO)
    assert in_force.current() is TWO.policy


def test_news_come_back() -> None:
    news = News(3, "s3://b/k", REFUSED, "/tmp/x", "00")  # noqa: S108 - only a name
    assert News.from_word(news.to_word()) == news
    with pytest.raises(ValueError, match="no news of the policy"):
        News.from_word(b'policy {"refused": null}')


def test_half_a_file_is_none() -> None:
    assert check_file(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == b""
    with pytest.raises(ValueError, match="did not arrive whole"):
        check_file(b"half", "00")
