"""The users file: who may give a password to the proxy, and the bcrypt hash of it.

The normal case: lines `name:$2y$12$…`, as `htpasswd -B -C 12` writes them; empty lines and
lines that begin with `#` say nothing. Anything else is a mistake, all are told at once,
and none of them repeats what stands behind the colon.

Source: Apache HTTP Server, "Password Formats" (htpasswd); bcrypt: Provos and Mazières, "A
Future-Adaptable Password Scheme", USENIX 1999.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from s3gate.policy.mistake import DocumentErrors, Misspelling, Mistake, quote
from s3gate.policy.model import Policy
from s3gate.policy.spelling import parse_user
from s3gate.regular_file import read_regular

MAX_BYTES: Final = 1024 * 1024
"""Bytes of the file: more than ten thousand users of some 70 bytes."""

MAX_COST: Final = 14
"""Of a hash, as a power of two: one check at 14 takes about a second, and each step doubles it."""

# "$2" version "$" cost "$" salt hash: 22 and 31 characters of bcrypt's own base64, of which the salt's last
# holds two bits. `a`, `b` and `y` name the same algorithm; `x` and none are older ones with known flaws.
_HASH: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
_MAKE: Final = "make the line with `htpasswd -B -C 12`"


class UsersErrors(DocumentErrors):
    """The users file cannot be used."""


def read_users(path: Path) -> dict[str, str]:
    """The hash of each user.

    Args:
        path: the users file.

    Raises:
        UsersErrors: it cannot be read, or holds mistakes.
    """
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as exc:
        why = f"users file {quote(path)} cannot be read: {exc.strerror}"
        raise UsersErrors([Mistake(0, 0, why, "make it with `htpasswd -B -C 12 -c FILE USER`")]) from exc
    return parse_users(data)


def parse_users(data: bytes) -> dict[str, str]:
    """The hash of each user, by name.

    Args:
        data: the bytes of the file.

    Raises:
        UsersErrors: every mistake, in file order.
    """
    users: dict[str, str] = {}
    lines: dict[str, int] = {}
    mistakes: list[Mistake] = []
    if len(data) > MAX_BYTES:
        raise UsersErrors([Mistake(1, 1, f"the file has more than {MAX_BYTES} bytes", "delete users")])
    for number, raw in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        line = raw.removesuffix("\r")
        if not line or line.startswith("#"):
            continue
        name, colon, hashed = line.partition(":")
        problem = _problem(name, colon, hashed)
        if problem is None and name in users:
            message = f"user {quote(name)} again, first on line {lines[name]}"
            problem = Mistake(0, 1, message, "delete one of the lines")
        if problem is not None:
            mistakes.append(Mistake(number, problem.column, problem.message, problem.suggestion))
            continue
        users[name], lines[name] = hashed, number
    if mistakes:
        raise UsersErrors(mistakes)
    return users


def _problem(name: str, colon: str, hashed: str) -> Mistake | None:
    """What is wrong with one line; of its second half nothing is told."""
    if not colon:
        return Mistake(0, 1, "a line without a colon", _MAKE)
    try:
        parse_user(name)
    except Misspelling as exc:
        return Mistake(0, 1, exc.message, exc.suggestion)
    column = len(name) + 2
    found = _HASH.fullmatch(hashed)
    if found is None:
        return Mistake(0, column, f"what stands behind user {quote(name)} is no bcrypt hash", _MAKE)
    if not 4 <= int(found[1]) <= MAX_COST:
        told = f"the hash of user {quote(name)} has cost {int(found[1])}, and 4 to {MAX_COST} are checked"
        return Mistake(0, column, told, _MAKE)
    return None


def check_users(policy: Policy, path: Path | None) -> None:
    """Refuse a policy that asks for users where nobody has a password.

    A user of the policy who is not in the file is no mistake: that is how one is locked out.

    Args:
        policy: about to come into force.
        path: of the users file; None when the settings name none.

    Raises:
        UsersErrors: the policy asks and nobody could answer.
    """
    if path is None and policy.membership.asks_users:
        name = next(group.name for group in policy.clients.values() if group.users)
        message = f"client group {quote(name)} has users, and the settings name no file with their passwords"
        raise UsersErrors([Mistake(0, 0, message, "add `users:` to the settings")])


def find_user_warnings(policy: Policy, users: Mapping[str, str]) -> Iterator[Mistake]:
    """What policy and users file do not agree on, though both are valid.

    Args:
        policy: valid.
        users: of the file.
    """
    named = {user for group in policy.clients.values() for user in group.users}
    for user in sorted(named - users.keys()):
        hint = "add the user to the file, or delete it here"
        yield Mistake(0, 0, f"user {quote(user)} has no line in the users file: nobody can be it", hint)
    if not named:
        told = "no client group has `users`: nobody is asked for a password"
        yield Mistake(0, 0, told, "name them in a group under `clients`")
