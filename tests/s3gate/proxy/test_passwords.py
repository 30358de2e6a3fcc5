"""A password is checked once, in turn, off the event loop; what is wrong with it shows nowhere, not in time."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, get_ident

import bcrypt
import pytest

from drive.wait import until
from s3gate.proxy import passwords as subject
from s3gate.proxy.basic_auth import Credentials
from s3gate.proxy.passwords import REMEMBERED_S, WAITING, WAITING_EACH, Passwords, TooBusy, verify

ALICE = Credentials("alice", b"secret")
WRONG = Credentials("alice", b"wrong")
NOBODY = Credentials("nobody", b"secret")
ADDRESS = "10.0.0.1"
SECONDS = 10.0


def hashed(password: bytes, cost: int = 4) -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()


USERS = {"alice": hashed(b"secret"), "bob": hashed(b"other", 6)}


@dataclass
class Clock:
    """Stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watched:
    """What bcrypt is asked, with a gate before it that a test may close; it runs in a thread."""

    asked: list[tuple[bytes, int]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    way: Event = field(default_factory=Event)

    def checkpw(self, password: bytes, stored: bytes) -> bool:
        self.asked.append((password, int(stored[4:6])))
        self.threads.add(get_ident())
        assert self.way.wait(SECONDS)
        return REAL(password, stored)


REAL = bcrypt.checkpw


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """The real bcrypt, counted."""
    one = Watched()
    one.way.set()
    monkeypatch.setattr(bcrypt, "checkpw", one.checkpw)
    yield one
    one.way.set()


async def together(*checks: asyncio.Task[str | None]) -> list[str | BaseException | None]:
    async with asyncio.timeout(SECONDS):
        return list(await asyncio.gather(*checks, return_exceptions=True))


async def test_the_right_password_gives_the_hash_that_it_fits(watched: Watched) -> None:
    passwords = Passwords(USERS)
    assert await passwords.check(ALICE, ADDRESS) == USERS["alice"]
    assert get_ident() not in watched.threads, "the event loop must not wait for bcrypt"


@pytest.mark.parametrize(
    "credentials",
    [
        WRONG,
        NOBODY,
        Credentials("Alice", b"secret"),
        Credentials("alice", b""),
        Credentials("bob", b"secret"),
    ],
    ids=["wrong password", "unknown user", "other capitals", "empty password", "password of another"],
)
async def test_everything_else_is_wrong(credentials: Credentials) -> None:
    assert await Passwords(USERS).check(credentials, ADDRESS) is None


@pytest.mark.parametrize(
    ("credentials", "costs"),
    [(WRONG, [4, 4, 5]), (Credentials("bob", b"x"), [6]), (NOBODY, [6])],
    ids=["a user of low cost", "a user of high cost", "no user"],
)
async def test_whatever_is_wrong_costs_the_same(
    credentials: Credentials, costs: list[int], watched: Watched
) -> None:
    assert await Passwords(USERS).check(credentials, ADDRESS) is None
    assert [cost for _, cost in watched.asked] == costs
    assert sum(2**cost for cost in costs) == 2**6
    assert {password for password, _ in watched.asked} == {credentials.password}


def test_without_users_nobody_gets_in_after_the_usual_time() -> None:
    work = Passwords({})._work(None)
    assert [int(one[4:6]) for one in work] == [12]


async def test_a_result_is_remembered_for_a_while(watched: Watched) -> None:
    clock = Clock()
    passwords = Passwords(USERS, clock)
    for _ in range(3):
        assert await passwords.check(ALICE, ADDRESS) is not None
        assert await passwords.check(NOBODY, ADDRESS) is None
    assert len(watched.asked) == 2
    clock.now += REMEMBERED_S + 1
    assert await passwords.check(ALICE, ADDRESS) is not None
    assert len(watched.asked) == 3


async def test_guessing_does_not_forget_who_was_right(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "REMEMBERED", 3)
    passwords = Passwords({"alice": hashed(b"secret")})
    await passwords.check(ALICE, ADDRESS)
    for number in range(10):
        await passwords.check(Credentials("alice", b"%d" % number), ADDRESS)
    before = len(watched.asked)
    assert await passwords.check(ALICE, ADDRESS) is not None
    assert len(watched.asked) == before
    assert await passwords.check(Credentials("alice", b"0"), ADDRESS) is None
    assert len(watched.asked) == before + 1, "of the wrong ones the oldest are forgotten"


async def test_nothing_that_is_kept_holds_the_password() -> None:
    secret = b"a-password-like-no-other"
    passwords = Passwords({"alice": hashed(secret)})
    assert await passwords.check(Credentials("alice", secret), ADDRESS)
    assert not passwords._pending
    assert all(secret not in key for key in passwords._right._until)


async def test_the_same_credentials_at_once_are_checked_once(watched: Watched) -> None:
    passwords = Passwords(USERS)
    checks = [asyncio.create_task(passwords.check(ALICE, ADDRESS)) for _ in range(100)]
    assert await together(*checks) == [USERS["alice"]] * 100
    assert len(watched.asked) == 1


async def asked(watched: Watched, count: int) -> None:
    await until(lambda: len(watched.asked) >= count)


def guesses(passwords: Passwords, address: str, count: int) -> list[asyncio.Task[str | None]]:
    return [
        asyncio.create_task(passwords.check(Credentials("alice", f"{address} {n}".encode()), address))
        for n in range(count)
    ]


async def test_a_flood_from_one_address_is_turned_away_and_stalls_nobody(watched: Watched) -> None:
    watched.way.clear()
    passwords = Passwords({"alice": hashed(b"secret")})
    flood = guesses(passwords, "10.9.9.9", 1000)
    await asked(watched, 1)
    honest = asyncio.create_task(passwords.check(ALICE, ADDRESS))
    await asyncio.sleep(0)
    watched.way.set()
    (right,) = await together(honest)
    assert right is not None
    order = [password for password, _ in watched.asked]
    assert order.index(b"secret") <= 2, "behind one that ran and one of the flood's turn"
    results = await together(*flood)
    assert sum(isinstance(one, TooBusy) for one in results) == 1000 - 1 - WAITING_EACH
    assert results.count(None) == 1 + WAITING_EACH


async def test_addresses_of_one_ipv6_network_wait_in_one_row(watched: Watched) -> None:
    watched.way.clear()
    passwords = Passwords({"alice": hashed(b"secret")})
    flood = [task for n in range(50) for task in guesses(passwords, f"2001:db8::{n:x}", 1)]
    await asked(watched, 1)
    watched.way.set()
    results = await together(*flood)
    assert results.count(None) == 1 + WAITING_EACH


async def test_there_is_an_end_to_what_waits(watched: Watched) -> None:
    watched.way.clear()
    passwords = Passwords({"alice": hashed(b"secret")})
    flood = [task for n in range(100) for task in guesses(passwords, f"10.0.1.{n}", 2)]
    await asked(watched, 1)
    assert len(passwords._queue) == WAITING
    watched.way.set()
    results = await together(*flood)
    assert sum(isinstance(one, TooBusy) for one in results) == 200 - 1 - WAITING


async def test_a_client_that_leaves_takes_nobody_along(watched: Watched) -> None:
    watched.way.clear()
    passwords = Passwords(USERS)
    gone, stays = (asyncio.create_task(passwords.check(ALICE, ADDRESS)) for _ in range(2))
    await asked(watched, 1)
    gone.cancel()
    watched.way.set()
    results: Sequence[object] = await together(gone, stays)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == USERS["alice"]


async def test_new_users_are_in_force_at_once(watched: Watched) -> None:
    passwords = Passwords(USERS)
    assert await passwords.check(ALICE, ADDRESS) == USERS["alice"]
    assert passwords.holds("alice", USERS["alice"])
    passwords.renew({"alice": hashed(b"changed")})
    assert not passwords.holds("alice", USERS["alice"])
    assert not passwords.holds("bob", USERS["bob"])
    assert await passwords.check(ALICE, ADDRESS) is None
    assert await passwords.check(Credentials("alice", b"changed"), ADDRESS) is not None


async def test_a_check_that_runs_while_the_users_change_is_made_again(watched: Watched) -> None:
    watched.way.clear()
    passwords = Passwords(USERS)
    check = asyncio.create_task(passwords.check(ALICE, ADDRESS))
    await asked(watched, 1)
    passwords.renew({"bob": USERS["bob"]})
    watched.way.set()
    assert await together(check) == [None]


async def test_a_hash_that_bcrypt_does_not_take_fits_nothing(caplog: pytest.LogCaptureFixture) -> None:
    broken = USERS["alice"][:28] + "/" + USERS["alice"][29:]
    assert await Passwords({"alice": broken}).check(ALICE, ADDRESS) is None
    assert "cannot be checked" in caplog.text
    assert broken not in caplog.text


def test_a_name_is_told_only_where_it_is_one() -> None:
    assert Passwords(USERS).known("alice") == "alice"
    assert Passwords(USERS).known("secret") == ""


def test_nobody_fits_even_where_bcrypt_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    assert not verify(("$2b$04$", "$2b$04$"), b"x", None)
    assert verify(("$2b$04$",), b"x", "$2b$04$")
