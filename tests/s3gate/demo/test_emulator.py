"""MiniStack as a process of its own."""

import os
import sys
from pathlib import Path

import pytest

from s3gate.demo import emulator as module
from s3gate.demo.child import answers
from s3gate.demo.emulator import Emulator, EmulatorError, find_command


def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        assert answers(emulator.port, "/_ministack/health")
        pid = emulator.pid
        assert pid is not None
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    emulator.stop()
    assert emulator.pid is None


def test_one_that_ends_at_once_is_an_error_with_its_last_line(tmp_path: Path) -> None:
    emulator = Emulator(
        tmp_path, [sys.executable, "-c", "print('one'); print('no licence'); raise SystemExit(1)"]
    )
    with pytest.raises(EmulatorError, match="did not start within 15 s: no licence"):
        emulator.start()
    assert emulator.pid is None


def test_one_that_does_not_answer_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT_S", 0.3)
    emulator = Emulator(tmp_path, [sys.executable, "-c", "import signal; signal.pause()"])
    with pytest.raises(EmulatorError, match="no output"):
        emulator.start()
    assert emulator.pid is None


def test_another_port_is_tried_when_the_first_was_taken(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    script = f"open({str(tries)!r}, 'a').write('x'); print('ERROR: 127.0.0.1:1 is already in use.')"
    with pytest.raises(EmulatorError):
        Emulator(tmp_path, [sys.executable, "-c", script]).start()
    assert tries.read_text() == "x" * 5


def test_the_one_of_the_checkout_comes_first(tmp_path: Path) -> None:
    command = tmp_path / ".venv" / "emulator-3.13" / "bin" / "ministack"
    command.parent.mkdir(parents=True)
    command.touch()
    assert find_command(tmp_path) == [str(command)]


@pytest.mark.parametrize(
    ("makefile", "hint"), [(True, "run `make demo`"), (False, r"run `pip install 's3gate\[demo\]'`")]
)
def test_without_one_the_text_says_what_installs_it(
    makefile: bool, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    if makefile:
        (tmp_path / "Makefile").touch()
    with pytest.raises(EmulatorError, match=hint):
        find_command(tmp_path)


def test_beside_the_running_python_it_is_started_as_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert find_command(tmp_path) == [sys.executable, "-m", "ministack"]
