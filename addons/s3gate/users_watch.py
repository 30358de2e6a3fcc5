"""Watches the users file: who has a password now, in the process that checks them.

The normal case: a look each second finds nothing new. What is new comes into force when
the file has stood still from one look to the next, since htpasswd writes in place; with
mistakes in it, or when it cannot be read, the last good users stay, and the log says so.
A user who is deleted is refused at the next request, in an open tunnel too.
"""

import asyncio
import logging
from pathlib import Path
from typing import Final

from s3gate.proxy.passwords import Passwords
from s3gate.settings.users_file import UsersErrors, read_users

log = logging.getLogger("s3gate")

LOOK_S: Final = 1.0  # between looks: one call of stat
RESTLESS_LOOKS: Final = 3  # running, each of which saw another file than the one before: then it is told

Stamp = tuple[int, int, int, int]


class UsersWatch:
    """Keeps the users of one file in force.

    Args:
        path: the users file.
        passwords: to be renewed; with the users that the file held just now.
    """

    def __init__(self, path: Path, passwords: Passwords) -> None:
        self._path, self._passwords = path, passwords
        self._seen: Stamp | None = None  # nothing read yet: the first look reads once more
        self._read: Stamp | None = None
        self._problem: str | None = None
        self._restless = 0

    async def run(self, seconds: float = LOOK_S) -> None:
        """Look again and again, until cancelled.

        Args:
            seconds: between looks.
        """
        while True:
            await self.look()
            await asyncio.sleep(seconds)

    async def look(self) -> bool:
        """Look once; whether other users came into force."""
        stamp = await asyncio.to_thread(_stamp, self._path)
        still, self._seen = stamp == self._seen, stamp
        if stamp is None:
            self._tell(f"users file `{self._path}` cannot be read")
            return False
        self._restless = 0 if still or stamp == self._read else self._restless + 1
        if self._restless > RESTLESS_LOOKS:
            self._tell(f"users file `{self._path}` changes at each look; write beside it and rename")
        if not still or stamp == self._read:
            return False
        try:
            users = await asyncio.to_thread(read_users, self._path)
        except UsersErrors as exc:
            self._tell(f"users file `{self._path}`: {exc}")
            self._read = stamp
            return False
        self._read, self._problem = stamp, None
        if not self._passwords.differ(users):
            return False
        self._passwords.renew(users)
        log.warning("the users file has changed: %d users are in force", len(users))
        return True

    def _tell(self, problem: str) -> None:
        """Say once what keeps the file from being used."""
        if problem != self._problem:
            log.error("the proxy's users stay as they are: %s", problem)
        self._problem = problem


def _stamp(path: Path) -> Stamp | None:
    """What changes when a file does; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino
