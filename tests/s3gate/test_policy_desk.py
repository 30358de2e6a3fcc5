"""What came of a reload is told: changed once every worker has it, refused, unreachable."""

import json
from pathlib import Path

import pytest

from gate_process import POLICY
from s3gate.control import ask_reload
from s3gate.health.server import Page
from s3gate.loading import CannotStart, Loaded, load_policy
from s3gate.policy.source import SourceText, SourceUnreachable
from s3gate.policy_desk import PolicyDesk, serve_keeper
from s3gate.policy_keeper import PolicyKeeper

ONE = SourceText(POLICY.encode(), "1")
TWO = SourceText(POLICY.replace("good-", "new-").encode(), "2")
BAD = SourceText(b"version: 1\n", "3")


class Lies:
    """A source that gives one thing after the other."""

    def __init__(self, *found: SourceText | SourceUnreachable) -> None:
        self._found = list(found)

    def look(self, *, now: bool = False) -> SourceText | None:
        found = self._found.pop(0) if now and self._found else None
        if isinstance(found, SourceUnreachable):
            raise found
        return found

    def close(self) -> None:
        """Nothing is open."""


def test_each_outcome_is_told(tmp_path: Path) -> None:
    source = Lies(ONE, TWO, BAD, SourceUnreachable("it is gone"))
    keeper = PolicyKeeper(source, Path("p"), Loaded(load_policy(ONE), "p", "1"))
    looked: list[str] = []

    def taken(digest: str) -> bool:
        looked.append(digest)
        return len(looked) > 2

    desk = PolicyDesk(keeper, "p", taken)
    with serve_keeper(keeper, tmp_path, desk, lambda: None):
        answers = [json.loads(ask_reload(tmp_path)[0]) for _ in range(4)]
    assert [one["outcome"] for one in answers] == ["unchanged", "changed", "refused", "unreachable"]
    one, two = load_policy(ONE).digest, load_policy(TWO).digest
    assert [one["policy"] for one in answers] == [one, two, two, two]
    assert (answers[1]["before"], answers[1]["version"], answers[1]["rules"]) == (one, "2", 1)
    assert "key `endpoints` is missing" in answers[2]["why"]
    assert answers[3]["why"] == "it is gone"
    assert looked == [two] * 3, "it waited until everybody had it"
    standing = desk.standing()
    assert (standing.source, standing.version, standing.problem is None) == ("p", "2", False)
    page = desk.measure(Page(200, "text/plain", b"others\n"))
    assert page.body.startswith(b"others\n")
    assert b"s3gate_policy_changes 1.0" in page.body
    assert b"s3gate_policy_problem 1.0" in page.body


def test_a_directory_where_nothing_can_be_made_ends_the_start(tmp_path: Path) -> None:
    keeper = PolicyKeeper(Lies(), Path("p"), None)
    (tmp_path / "file").touch()
    desk = PolicyDesk(keeper, "p", lambda _: True)
    with (
        pytest.raises(CannotStart, match="the socket for `s3gate reload` cannot be made"),
        serve_keeper(keeper, tmp_path / "file", desk, lambda: None),
    ):
        raise AssertionError("it was made")
