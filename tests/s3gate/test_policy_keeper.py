"""The keeper brings in what is proven, keeps the last good one, and says why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drive.sources import run_aws
from gate_process import POLICY, SETTINGS, GateFiles
from s3gate.loading import CannotStart, Loaded, load_policy
from s3gate.policy.ground import NO_GROUND, OwnGround
from s3gate.policy.source import Remote, Scheme, SourceText, SourceUnreachable
from s3gate.policy_keeper import Kept, PolicyKeeper, look_first, open_keeper
from s3gate.settings import read_settings

SECONDS = 30.0
ONE = SourceText(POLICY.encode(), "1")
TWO = SourceText(POLICY.replace("good-bucket", "new-bucket").encode(), "2")
BAD = SourceText(POLICY.replace("allow:", "alow:").encode(), "3")
GONE = SourceUnreachable("the source is gone")
PLACE = Path("policy.yaml")


@dataclass
class Script:
    """A source that gives what a test lays there."""

    lies: SourceText | SourceUnreachable | None = None
    looks: list[bool] = field(default_factory=list)

    def look(self, *, now: bool = False) -> SourceText | None:
        self.looks.append(now)
        if isinstance(self.lies, SourceUnreachable):
            raise self.lies
        found, self.lies = self.lies, None
        return found

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def keeping(
    script: Script, first: SourceText | None = ONE, ground: OwnGround = NO_GROUND
) -> Iterator[PolicyKeeper]:
    loaded = None if first is None else Loaded(load_policy(first), "policy.yaml", first.version)
    keeper = PolicyKeeper(script, PLACE, loaded, ground)
    keeper.start(lambda: None)
    try:
        yield keeper
    finally:
        keeper.stop()


def reload(keeper: PolicyKeeper) -> Kept:
    kept = keeper.reload(SECONDS)
    assert kept is not None
    return kept


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_a_new_policy_is_kept_under_the_next_number() -> None:
    script = Script(TWO)
    with keeping(script) as keeper:
        kept = reload(keeper)
        assert (kept.number, kept.problem, kept.refusals) == (2, None, 0)
        assert kept.fetch() == Loaded(load_policy(TWO), "policy.yaml", "2")
        assert reload(keeper).number == 2


def test_what_is_refused_leaves_the_last_good_one(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(BAD)
    with keeping(script) as keeper:
        kept = reload(keeper)
        assert (kept.number, kept.digest, kept.refusals) == (1, load_policy(ONE).digest, 1)
        assert kept.refused is not None
        assert (kept.refused.number, kept.refused.version) == (1, "3")
        assert "unknown key `alow`" in str(kept.problem)
        assert "the policy stays as it is; policy.yaml (3) is refused: line 4" in caplog.text
        before = kept.confirmed_at
        assert reload(keeper).confirmed_at == before, "it ages while the source holds another"
        script.lies = ONE
        kept = reload(keeper)
        assert (kept.number, kept.problem, kept.refusals) == (1, None, 1)
        assert kept.last_refused is not None, "whoever serves may not have heard of it yet"
        assert kept.confirmed_at > before


def test_its_own_ground_stays_closed() -> None:
    with keeping(Script(TWO), ground=OwnGround(frozenset({"new-bucket"}))) as keeper:
        assert "lets clients write `new-bucket`" in str(reload(keeper).problem)


def test_a_source_that_is_gone_ages_the_policy_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(GONE)
    with keeping(script) as keeper:
        first = reload(keeper)
        second = reload(keeper)
        assert (second.number, second.problem) == (1, "the source is gone")
        assert second.confirmed_at == first.confirmed_at
        assert caplog.text.count("the source is gone") == 1
        script.lies = None
        assert reload(keeper).problem is None


def test_without_a_first_policy_the_first_good_one_comes_in() -> None:
    script = Script(GONE)
    with keeping(script, first=None) as keeper:
        assert (keeper.kept.number, keeper.kept.digest) == (0, None)
        with pytest.raises(ValueError, match="no policy yet"):
            keeper.kept.fetch()
        script.lies = ONE
        until(lambda: keeper.kept.number == 1)
        assert False in script.looks, "by itself"


def test_a_file_that_is_not_there_ends_the_start_and_aws_does_not(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(CannotStart, match="the source is gone"):
        look_first(Script(GONE), PLACE)
    assert look_first(Script(GONE), Remote(Scheme.SSM, ("/p",))) is None
    assert "everything is refused with POLICY_UNAVAILABLE" in caplog.text


def test_the_settings_name_a_file(tmp_path: Path) -> None:
    settings = read_settings(GateFiles(tmp_path).write(), {})
    with open_keeper(settings) as found:
        kept = found().kept
        assert kept.loaded is not None
        assert (kept.number, kept.loaded.source) == (1, str(tmp_path / "policy.yaml"))


def test_the_settings_name_a_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_aws(tmp_path) as aws:
        place, put = aws.ssm()
        put(ONE.data)
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        files = GateFiles(tmp_path / "gate", settings=SETTINGS.replace("policy.yaml", str(place)))
        with open_keeper(read_settings(files.write(), {})) as found:
            keeper = found()
            keeper.start(lambda: None)
            put(TWO.data)
            kept = reload(keeper)
            keeper.stop()
        assert (kept.digest, kept.fetch().version) == (load_policy(TWO).digest, "version 2")
        assert kept.fetch().source == "ssm:///s3gate/policy"
