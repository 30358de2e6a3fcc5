"""The gate's own door for its operator: a socket in the audit directory, for its user and root alone.

The normal case: `s3gate reload` connects, says `reload` and reads one line. The socket is
a file that only its owner may open, in the directory that the settings name, and the
kernel tells who is on the other end; nothing of it can be reached from the network, also
where the admin page is shown to others. Each process that serves has its own.
"""

import os
import secrets
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final

NAME: Final = "control-{}.sock"
RELOAD: Final = b"reload\n"
WORD_BYTES: Final = 64
LINE_BYTES: Final = 65_536  # of an answer; five mistakes of a policy have some KiB
PATIENCE_S: Final = 5.0  # of the gate, for the word of whoever connects
ANSWER_S: Final = 90.0  # of `s3gate reload`: a look and a proof, and the time for every worker to take it
BACKLOG: Final = 8
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
ROOT: Final = 0


class NoGate(Exception):
    """Nobody serves these settings here; the message is one line with the next step."""


@contextmanager
def serve_control(directory: Path, reload: Callable[[], bytes]) -> Iterator[Path]:
    """Answer at the gate's own door, meanwhile.

    Args:
        directory: that of the audit.
        reload: does it, and gives the answer.

    Yields:
        The socket's path.

    Raises:
        OSError: it cannot be made.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _forget_dead(directory)
    path = directory / NAME.format(secrets.token_hex(4))
    door = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as name:
            door.bind(name)
        path.chmod(0o600)
        door.listen(BACKLOG)  # before this nobody gets in
        thread = Thread(target=_serve, args=(door, reload), name="control", daemon=True)
        thread.start()
        yield path
    finally:
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        door.close()
        path.unlink(missing_ok=True)


def ask_reload(directory: Path) -> list[bytes]:
    """Have every gate that serves on a directory look at its policy now.

    Args:
        directory: that of the audit.

    Returns:
        One line of JSON from each.

    Raises:
        NoGate: there is none, or it may not be asked.
    """
    answers: list[bytes] = []
    try:
        doors = sorted(directory.glob(NAME.format("*")))
    except OSError as exc:
        raise NoGate(f"`{directory}` cannot be read: {exc.strerror}") from exc
    for path in doors:
        try:
            answers.append(_ask(path))
        except (ConnectionRefusedError, FileNotFoundError):
            continue  # of a gate that was killed
        except PermissionError as exc:
            raise NoGate(f"`{path}` may not be opened; run as the gate's own user, or root") from exc
        except OSError as exc:
            raise NoGate(f"the gate at `{path}` does not answer: {exc}") from exc
    if not answers:
        raise NoGate(f"no gate serves on `{directory}`; is it `audit.directory` of the running one?")
    return answers


def _forget_dead(directory: Path) -> None:
    """Take away the doors of gates that were killed."""
    for path in directory.glob(NAME.format("*")):
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError), _short(path) as name:
            try:
                client.connect(name)
            except ConnectionRefusedError:
                path.unlink()


def _ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client, _short(path) as name:
        client.settimeout(ANSWER_S)
        client.connect(name)
        client.sendall(RELOAD)
        line = b""
        while not line.endswith(b"\n") and len(line) < LINE_BYTES:
            data = client.recv(LINE_BYTES)
            if not data:
                raise ConnectionRefusedError("it ended")
            line += data
        return line


def _serve(door: socket.socket, reload: Callable[[], bytes]) -> None:
    """One at a time: whoever comes meanwhile waits in the backlog."""
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        with client, suppress(OSError):
            client.settimeout(PATIENCE_S)
            if _may(client) and client.recv(WORD_BYTES) == RELOAD:
                client.sendall(reload())


def _may(client: socket.socket) -> bool:
    """Whether the process on the other end runs as the gate's user or as root (SO_PEERCRED, unix(7))."""
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return uid in (ROOT, os.geteuid())


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket whose path may have more than the 107 bytes of sun_path (unix(7))."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
