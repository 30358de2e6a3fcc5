"""Checks passwords of proxy users against bcrypt, beside the event loop and never more than it can bear.

The normal case: the same name and password were right a minute ago, and a keyed hash of
both is remembered: no bcrypt. Else one thread runs it; the same credentials that come
again meanwhile wait for the same result, others wait in a bounded queue in which each
client address has its turn. Beyond that a client is turned away, never let in.

A wrong user costs what a wrong password costs: every check that fails runs bcrypt as often
as 2 to the power of the highest cost in the file, so that time tells nobody which users
there are. What is right or wrong is forgotten after `REMEMBERED_S` and when the users change.
"""

import asyncio
import hmac
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import bcrypt

from s3gate.proxy.basic_auth import Credentials
from s3gate.proxy.fair_queue import FairQueue, Full

_log = logging.getLogger(__name__)

REMEMBERED_S: Final = 300.0  # how long a result holds without another check
REMEMBERED: Final = 4096  # right ones, and wrong ones apart: guessing forgets nobody
WAITING: Final = 64  # checks that wait: 16 s of them at cost 12
WAITING_EACH: Final = 8  # of one address: so many users behind one may begin at once
THREADS: Final = 1  # of this process: the event loop keeps the other core, and a crowd waits its turn
NETWORK_BITS: Final = (
    64  # of an IPv6 address: one host may have all addresses below (RFC 4291, section 2.5.1)
)
DEFAULT_COST: Final = 12  # of the work for nobody, where the file is empty

# A hash that nobody has a password for, in a cost to be filled in; it costs what a real one does.
_NOBODY: Final = "$2b$%02d$" + "." * 22 + "." * 31


class TooBusy(Exception):
    """More passwords wait to be checked than may; nothing was found out."""


@dataclass(slots=True)
class _Check:
    """One check that waits or runs."""

    key: bytes
    hashes: tuple[str, ...]
    proof: str | None
    password: bytes
    done: asyncio.Future[bool]
    generation: int


class Passwords:
    """The users in force, and what was found out about passwords.

    Args:
        users: bcrypt hash of each user's password.
        clock: seconds, never going back.
    """

    def __init__(self, users: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._users = dict(users)
        self._highest = _highest_cost(users)
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._right, self._wrong = _Memory(clock), _Memory(clock)
        self._queue: FairQueue[_Check] = FairQueue(WAITING, WAITING_EACH)
        self._pending: dict[bytes, _Check] = {}
        self._running = 0
        self._generation = 0
        self._threads = ThreadPoolExecutor(THREADS, "passwords")

    def renew(self, users: Mapping[str, str]) -> None:
        """Put other users in force; what was found out before counts no more.

        Args:
            users: as for the constructor.
        """
        self._users = dict(users)
        self._highest = _highest_cost(users)
        self._generation += 1
        self._right, self._wrong = _Memory(self._clock), _Memory(self._clock)

    def differ(self, users: Mapping[str, str]) -> bool:
        """Whether these are other users than those in force."""
        return dict(users) != self._users

    def close(self) -> None:
        """Check no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def known(self, user: str) -> str:
        """The name, if there is such a user; else empty: it may be a password in the wrong field."""
        return user if user in self._users else ""

    def holds(self, user: str, proof: str) -> bool:
        """Whether the hash by which a user was proven is still the user's."""
        return self._users.get(user) == proof

    async def check(self, credentials: Credentials, address: str) -> str | None:
        """The hash that the password fits, or None when it is wrong or there is no such user.

        Args:
            credentials: as the client sent them.
            address: of the client, whose checks wait in one row.

        Raises:
            TooBusy: too many wait.
        """
        while True:
            proof = self._users.get(credentials.user)
            key = self._key(credentials)
            if proof is not None and self._right.has(key):
                return proof
            if self._wrong.has(key):
                return None
            waiting = self._pending.get(key) or self._enqueue(key, credentials, proof, address)
            fits = await asyncio.shield(waiting.done)
            if waiting.generation == self._generation:  # else the users changed meanwhile: once more
                return waiting.proof if fits else None

    def _enqueue(self, key: bytes, credentials: Credentials, proof: str | None, address: str) -> _Check:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        check = _Check(key, self._work(proof), proof, credentials.password, done, self._generation)
        try:
            self._queue.put(_row(address), check)
        except Full as exc:
            raise TooBusy from exc
        self._pending[key] = check
        self._start()
        return check

    def _start(self) -> None:
        """Run what waits, as far as threads are free."""
        loop = asyncio.get_running_loop()
        while self._running < THREADS and (check := self._queue.take()) is not None:
            self._running += 1
            result = loop.run_in_executor(self._threads, verify, check.hashes, check.password, check.proof)
            result.add_done_callback(lambda done, check=check: self._finish(check, done))  # type: ignore[misc] # mypy infers no lambda with a default

    def _finish(self, check: _Check, result: asyncio.Future[bool]) -> None:
        self._running -= 1
        self._pending.pop(check.key, None)
        fits = False
        if not result.cancelled():
            try:
                fits = result.result()
            except ValueError:  # bcrypt does not take the hash; it stands in the error
                _log.error("the password of a user cannot be checked: make the line anew with `htpasswd -B`")
        if check.generation == self._generation and not result.cancelled():
            (self._right if fits else self._wrong).add(check.key)
        if not check.done.done():
            check.done.set_result(fits)
        self._start()

    def _work(self, proof: str | None) -> tuple[str, ...]:
        """The hashes to run: the user's first, then for nobody until all took the same."""
        if proof is None:
            return (_NOBODY % self._highest,)
        # 2^c and 2^c + 2^(c+1) + … + 2^(highest-1) make 2^highest.
        return (proof, *(_NOBODY % cost for cost in range(_cost(proof), self._highest)))

    def _key(self, credentials: Credentials) -> bytes:
        """What stands for a name and a password outside of this object: nothing without its secret."""
        text = credentials.user.encode() + b"\0" + credentials.password  # neither holds a NUL
        return hmac.digest(self._secret, b"%d\0" % self._generation + text, "sha256")


def verify(hashes: tuple[str, ...], password: bytes, proof: str | None) -> bool:
    """Whether a password fits its user's hash; takes long, and as long whatever is wrong.

    Args:
        hashes: to run, the user's own first.
        password: at most 72 bytes.
        proof: the user's own hash, or None: then nothing fits.
    """
    fits = bcrypt.checkpw(password, hashes[0].encode())
    if fits and proof is not None:
        return True
    for one in hashes[1:]:
        bcrypt.checkpw(password, one.encode())
    return False


def _cost(hashed: str) -> int:
    return int(hashed[4:6])


def _highest_cost(users: Mapping[str, str]) -> int:
    return max(map(_cost, users.values()), default=DEFAULT_COST)


def _row(address: str) -> str:
    """The row in which a client's checks wait: its address, its network with IPv6."""
    parsed = ip_address(address)
    if parsed.version == 4:
        return address
    return f"{int(parsed) >> (parsed.max_prefixlen - NETWORK_BITS):x}"


class _Memory:
    """Keys that are remembered for a while, the oldest forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def has(self, key: bytes) -> bool:
        return self._until.get(key, 0.0) > self._clock()

    def add(self, key: bytes) -> None:
        self._until[key] = self._clock() + REMEMBERED_S
        self._until.move_to_end(key)
        if len(self._until) > REMEMBERED:
            self._until.popitem(last=False)
