"""A process of the demo."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from s3gate.demo import child as module
from s3gate.demo.child import Child, answers
from s3gate.demo.ports import free_ports

WAITS = "print('up', flush=True); import signal; signal.pause()"
IGNORES = "from signal import *; signal(SIGTERM, SIG_IGN); " + WAITS


@pytest.fixture
def start(tmp_path: Path) -> Callable[[str], Child]:
    return lambda script: Child([sys.executable, "-c", script], {"A": "b"}, tmp_path / "log")


def test_it_has_the_variables_it_is_given_and_its_output_is_kept(start: Callable[[str], Child]) -> None:
    child = start("import os; print(sorted(set(os.environ) - {'LC_CTYPE'})); print('last')")
    assert child.wait_ended(30)
    assert child.output == "['A']\nlast\n"
    assert child.last_line == "last"
    child.stop()


def test_it_is_waited_for_until_it_is_ready(start: Callable[[str], Child]) -> None:
    child = start(WAITS)
    assert child.wait_ready(lambda: child.last_line == "up", 30)
    os.kill(child.pid, 0)
    assert not child.wait_ended(0)
    child.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_one_that_ends_is_not_waited_for(start: Callable[[str], Child]) -> None:
    child = start("")
    assert not child.wait_ready(lambda: False, 3600)
    assert child.last_line == "no output"


def test_one_that_does_not_get_ready_is_waited_for_no_longer(start: Callable[[str], Child]) -> None:
    child = start(WAITS)
    assert not child.wait_ready(lambda: False, 0.1)
    child.stop()


def test_one_that_ignores_the_signal_is_killed(
    start: Callable[[str], Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)
    child = start(IGNORES)
    assert child.wait_ready(lambda: child.last_line == "up", 30)
    child.stop()
    assert child.wait_ended(0)


def test_a_port_without_a_listener_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    assert not answers(port, "/")
    monkeypatch.setattr(module, "PROBE_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not answers(silent.getsockname()[1], "/")
