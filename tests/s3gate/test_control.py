"""The gate's own door: for its user alone, answered one after the other, gone at the end."""

import socket
import stat
from pathlib import Path

import pytest

from s3gate.control import NoGate, ask_reload, serve_control


def test_whoever_asks_hears_what_came_of_it(tmp_path: Path) -> None:
    asked: list[int] = []

    def reload() -> bytes:
        asked.append(1)
        return b'{"outcome": "unchanged"}\n'

    with serve_control(tmp_path, reload) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ask_reload(tmp_path) == [b'{"outcome": "unchanged"}\n']
        with serve_control(tmp_path, reload):
            assert len(ask_reload(tmp_path)) == 2, "each gate on the directory"
    assert len(asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100) / ("e" * 100)
    with serve_control(directory, lambda: b"{}\n"):
        assert ask_reload(directory) == [b"{}\n"]


def test_another_word_is_not_answered(tmp_path: Path) -> None:
    asked: list[int] = []

    def reload() -> bytes:
        asked.append(1)
        return b"{}\n"

    with (
        serve_control(tmp_path, reload) as path,
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(10) == b""
    assert asked == []


def test_without_a_gate_it_is_told_and_dead_doors_are_taken_away(tmp_path: Path) -> None:
    with pytest.raises(NoGate, match="no gate serves on"):
        ask_reload(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control-dead.sock"))
    with pytest.raises(NoGate, match="no gate serves on"):
        ask_reload(tmp_path)
    with serve_control(tmp_path, lambda: b"{}\n"):
        assert not (tmp_path / "control-dead.sock").exists()
