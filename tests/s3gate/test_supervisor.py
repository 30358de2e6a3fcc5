"""Workers are started, replaced, followed and ended, with real processes and real signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drive.worker import Play
from s3gate.supervisor import SILENCE_S, Owner, Supervisor
from s3gate.worker import make_context

SECONDS = 20.0
TESTS = Path(__file__).parents[1]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@contextmanager
def script(supervisor: Supervisor, *steps: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Steps that a thread takes while the supervisor runs in the main one, where signals arrive."""
    failed: list[BaseException] = []

    def play() -> None:
        try:
            for step in steps:
                step()
        except BaseException as exc:  # noqa: BLE001 - the test's thread tells it
            failed.append(exc)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield failed
    finally:
        thread.join()
        assert not supervisor.pids


def send(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def make(
    directory: Path, ends: int | None = None, owner: Owner | None = None, silence_s: float = SILENCE_S
) -> Supervisor:
    context = make_context(["drive.worker"])
    return Supervisor(2, Play(directory, ends), context, owner or Owner(), silence_s=silence_s)


def words(directory: Path) -> list[str]:
    return sorted(path.read_text() for path in directory.iterdir())


def serving(supervisor: Supervisor, count: int = 2) -> Callable[[], bool]:
    return lambda: sum(one.status.serves for one in supervisor.heard()) == count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_as_many_as_it_was_told_and_ends_with_them(tmp_path: Path, number: int) -> None:
    supervisor, told = make(tmp_path), list[int]()
    steps = (lambda: until(serving(supervisor)), lambda: until(lambda: told), send(number))
    with script(supervisor, *steps) as failed:
        assert supervisor.run(lambda: told.append(1)) == 0
    assert not failed
    assert (told, supervisor.restarts, supervisor.leaving) == ([1], 0, True)
    # Where nobody need hear of it, `leave` and the end come at once: a worker may end before it has read `leave`.
    assert len(words(tmp_path)) == 2
    assert set(words(tmp_path)) <= {"began leave ended", "began ended"}


def test_a_dead_one_is_replaced_and_the_other_stays(tmp_path: Path) -> None:
    ended: list[int] = []
    supervisor = make(tmp_path, owner=Owner(ended=ended.append))
    seen: list[list[int]] = []

    def kill() -> None:
        seen.append(supervisor.pids)
        os.kill(supervisor.pids[0], signal.SIGKILL)
        began = time.monotonic()
        until(lambda: supervisor.restarts == 1 and serving(supervisor)())
        assert time.monotonic() - began < 2
        seen.append(supervisor.pids)

    with script(supervisor, lambda: until(serving(supervisor)), kill, send(signal.SIGTERM)) as failed:
        assert supervisor.run() == 0
    assert not failed
    assert ended[0] == seen[0][0] not in seen[1]
    assert seen[0][1] in seen[1]


def test_one_that_cannot_start_ends_it_all_with_its_code(tmp_path: Path) -> None:
    supervisor = make(tmp_path, ends=3)
    assert supervisor.run() == 3
    assert not supervisor.pids


def test_a_hangup_is_passed_on_and_replaces_nobody(tmp_path: Path) -> None:
    asked: list[int] = []
    supervisor = make(tmp_path, owner=Owner(hung_up=lambda: asked.append(1)))
    steps = (lambda: until(serving(supervisor)), send(signal.SIGHUP), lambda: until(lambda: asked))
    with script(supervisor, *steps, send(signal.SIGTERM)) as failed:
        assert supervisor.run() == 0
    assert not failed
    assert len(words(tmp_path)) == 2
    assert supervisor.restarts == 0


def test_it_waits_until_nobody_is_unaware(tmp_path: Path) -> None:
    left = threading.Event()
    looks: list[int] = []

    def unaware() -> bool:
        looks.append(len(supervisor.pids))
        return len(looks) < 3

    supervisor = make(tmp_path, owner=Owner(left=left.set, unaware=unaware))
    with script(supervisor, lambda: until(serving(supervisor)), send(signal.SIGTERM)) as failed:
        assert supervisor.run() == 0
    assert not failed
    assert left.is_set()
    assert looks == [2, 2, 2], "they serve on meanwhile"
    assert words(tmp_path) == ["began leave ended"] * 2


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from drive.worker import Play\n"
        "from s3gate.supervisor import Supervisor; from s3gate.worker import make_context\n"
        "Supervisor(2, Play(Path(sys.argv[1])), make_context(['drive.worker'])).run(lambda: print('up', flush=True))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{TESTS.parent / 'addons'}:{TESTS}"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
    until(lambda: words(tmp_path) == ["began orphaned"] * 2)


def stop_one(supervisor: Supervisor) -> Callable[[], None]:
    """A worker is stopped, as by an endless loop, and replaced by another that serves."""

    def stop() -> None:
        victim = supervisor.pids[0]
        os.kill(victim, signal.SIGSTOP)
        until(lambda: victim not in supervisor.pids and serving(supervisor)())

    return stop


def test_one_that_says_nothing_is_killed_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []
    supervisor = make(tmp_path, owner=Owner(ended=ended.append), silence_s=2.0)
    steps = (lambda: until(serving(supervisor)), stop_one(supervisor), send(signal.SIGTERM))
    with script(supervisor, *steps) as failed:
        assert supervisor.run() == 0
    assert not failed
    assert (supervisor.kills, supervisor.restarts) == (1, 1)
    assert "a worker said nothing for 2 s and is killed" in caplog.text
    assert len(words(tmp_path)) == 3


def test_each_is_told_the_news_of_its_own_writer(tmp_path: Path) -> None:
    supervisor = make(tmp_path, owner=Owner(news=lambda writer: [f"news-of-{writer}".encode()]))
    told = lambda: all(b"news-of-w" in path.read_bytes() for path in tmp_path.iterdir())  # noqa: E731 - a step
    steps = (lambda: until(serving(supervisor)), lambda: until(told), send(signal.SIGTERM))
    with script(supervisor, *steps) as failed:
        assert supervisor.run() == 0
    assert not failed


def test_news_that_cannot_wait_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3gate.supervisor.NEWS_S", 3600.0)
    supervisor = make(tmp_path, owner=Owner(news=lambda _: [b"fresh"]))
    told = lambda: all(b"fresh" in path.read_bytes() for path in tmp_path.iterdir())  # noqa: E731 - a step
    steps = (
        lambda: until(serving(supervisor)),
        supervisor.tell_now,
        lambda: until(told),
        send(signal.SIGTERM),
    )
    with script(supervisor, *steps) as failed:
        assert supervisor.run() == 0
    assert not failed


def test_who_speaks_for_the_first_time_is_told_the_news_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that replaces another serves when it has heard them."""
    monkeypatch.setattr("s3gate.supervisor.NEWS_S", 3600.0)
    supervisor = make(tmp_path, owner=Owner(news=lambda _: [b"fresh"]))
    told = lambda: sum(b"fresh" in path.read_bytes() for path in tmp_path.iterdir()) == 3  # noqa: E731 - a step
    steps = (
        lambda: until(serving(supervisor)),
        lambda: os.kill(supervisor.pids[0], signal.SIGKILL),
        lambda: until(told),
        send(signal.SIGTERM),
    )
    with script(supervisor, *steps) as failed:
        assert supervisor.run() == 0
    assert not failed
