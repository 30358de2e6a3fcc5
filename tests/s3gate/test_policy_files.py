"""A policy on its way to the workers is whole, or it is not taken."""

from pathlib import Path

import pytest

from gate_process import POLICY
from s3gate.in_force import News
from s3gate.loading import Loaded
from s3gate.policy.document import parse_policy
from s3gate.policy.source import SourceText
from s3gate.policy_files import PolicyFiles, read_policy
from s3gate.policy_keeper import PolicyKeeper

ONE = Loaded(parse_policy(POLICY.encode()), "p", "1")


class Other:
    """A source with another policy."""

    def look(self, *, now: bool = False) -> SourceText | None:
        return SourceText(POLICY.replace("good-", f"new-{now}-".lower()).encode(), "2")

    def close(self) -> None:
        """Nothing is open."""


def test_each_policy_is_written_once_and_read_back(tmp_path: Path) -> None:
    keeper = PolicyKeeper(Other(), Path("p"), ONE)
    files = PolicyFiles(tmp_path, keeper, "p")
    assert files.news() == News(0, "p")
    assert (files.write(), files.write()) == (True, False)
    news = files.news()
    assert (news.number, read_policy(news)) == (1, ONE)
    keeper.start(lambda: None)
    assert keeper.reload() is not None
    keeper.stop()
    assert files.write()
    assert read_policy(files.news()).version == "2"
    assert read_policy(news) == ONE, "for those that are late"


def test_one_that_was_touched_is_not_taken(tmp_path: Path) -> None:
    files = PolicyFiles(tmp_path, PolicyKeeper(Other(), Path("p"), ONE), "p")
    files.write()
    news = files.news()
    path = Path(news.path or "")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="did not arrive whole"):
        read_policy(news)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_policy(news)
