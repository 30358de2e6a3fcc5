"""The users of a file: what is new comes into force once it stands still; what is wrong changes nothing."""

import os
from pathlib import Path

import bcrypt
import pytest

from s3gate.proxy.basic_auth import Credentials
from s3gate.proxy.passwords import Passwords
from s3gate.settings.users_file import read_users
from s3gate.users_watch import RESTLESS_LOOKS, UsersWatch

ADDRESS = "10.0.0.1"


def line(user: str, password: bytes) -> str:
    return f"{user}:{bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()}\n"


def put(path: Path, text: str) -> None:
    path.write_text(text)


def put_in_place(path: Path, text: str) -> None:
    """What a copy that keeps times may do: as many bytes in the same file, of the same time."""
    was = path.stat()
    assert was.st_size == len(text)
    path.write_text(text)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def text_of(path: Path) -> str:
    return path.read_text()


def take_away(path: Path) -> None:
    path.unlink()


async def lets_in(passwords: Passwords, user: str, password: bytes) -> bool:
    return await passwords.check(Credentials(user, password), ADDRESS) is not None


async def start(path: Path) -> tuple[UsersWatch, Passwords]:
    passwords = Passwords(read_users(path))
    watch = UsersWatch(path, passwords)
    assert not await watch.look()
    assert not await watch.look()
    return watch, passwords


@pytest.fixture
def path(tmp_path: Path) -> Path:
    users = tmp_path / "users"
    users.write_text(line("alice", b"secret"))
    return users


async def test_new_users_come_into_force_when_the_file_stands_still(path: Path) -> None:
    watch, passwords = await start(path)
    put(path, line("bob", b"other"))
    assert not await watch.look(), "it may still be written"
    assert await lets_in(passwords, "alice", b"secret")
    assert await watch.look()
    assert await lets_in(passwords, "bob", b"other")
    assert not await lets_in(passwords, "alice", b"secret")


async def test_what_changed_before_the_first_look_is_seen_too(path: Path) -> None:
    passwords = Passwords(read_users(path))
    watch = UsersWatch(path, passwords)
    put(path, line("bob", b"other"))
    assert [await watch.look(), await watch.look()] == [False, True]
    assert await lets_in(passwords, "bob", b"other")


async def test_the_same_users_written_anew_forget_nothing(path: Path) -> None:
    watch, _ = await start(path)
    put(path, "# a note\n" + text_of(path))
    assert [await watch.look(), await watch.look()] == [False, False]


async def test_with_mistakes_the_last_good_users_stay(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch, passwords = await start(path)
    put(path, "alice:plain-text-password\n")
    for _ in range(4):
        assert not await watch.look()
    assert await lets_in(passwords, "alice", b"secret")
    where = f"users file `{path}`: line 1, column 7"
    told = f"the proxy's users stay as they are: {where}: what stands behind user `alice` is no bcrypt hash"
    assert [one.message for one in caplog.records] == [told]
    put(path, line("bob", b"other"))
    assert [await watch.look(), await watch.look()] == [False, True]


async def test_a_file_that_is_gone_changes_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch, passwords = await start(path)
    kept = text_of(path)
    take_away(path)
    assert not await watch.look()
    assert not await watch.look()
    assert await lets_in(passwords, "alice", b"secret")
    assert len(caplog.records) == 1
    put(path, kept + line("bob", b"other"))
    os.utime(path, ns=(1, 1))
    assert [await watch.look(), await watch.look()] == [False, True]


async def test_a_file_that_never_stands_still_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Else who was deleted would keep the password, and nobody would know."""
    watch, passwords = await start(path)
    put(path, line("bob", b"other"))
    for turn in range(RESTLESS_LOOKS + 2):
        os.utime(path, ns=(0, turn))
        assert not await watch.look()
    told = f"the proxy's users stay as they are: users file `{path}` changes at each look; write beside it"
    assert [one.message for one in caplog.records] == [f"{told} and rename"]
    assert await watch.look()
    assert not await lets_in(passwords, "alice", b"secret")


async def test_a_password_changed_in_place_with_the_old_time_is_seen(path: Path) -> None:
    watch, passwords = await start(path)
    put_in_place(path, line("alice", b"another"))
    assert [await watch.look(), await watch.look()] == [False, True]
    assert not await lets_in(passwords, "alice", b"secret")


async def test_nobody_waits_for_a_fifo(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch, passwords = await start(path)
    take_away(path)
    os.mkfifo(path)
    assert [await watch.look(), await watch.look()] == [False, False]
    assert "cannot be read: it is no regular file" in caplog.text
    assert await lets_in(passwords, "alice", b"secret")
