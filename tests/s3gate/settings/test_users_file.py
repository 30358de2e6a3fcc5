"""The users file: what htpasswd writes is read, every mistake has its place, and no hash is ever told."""

from pathlib import Path

import bcrypt
import pytest

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import DocumentErrors
from s3gate.settings.users_file import (
    MAX_BYTES,
    UsersErrors,
    check_users,
    find_user_warnings,
    parse_users,
    read_users,
)

REST = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
HASH = "$2b$12$" + REST
HEAD = "version: 1\nendpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}\n"
POLICY = parse_policy(
    (HEAD + "clients: {people: {users: [alice, carol]}, a: {cidrs: [10.0.0.0/8]}}\n").encode()
)


def test_what_the_tools_write_is_read() -> None:
    data = f"# people\r\n\nalice:{HASH}\r\nbob@example.com:$2y$05${REST}\nGo-1:$2a$10${REST}"
    assert parse_users(data.encode()) == {
        "alice": HASH,
        "bob@example.com": "$2y$05$" + REST,
        "Go-1": "$2a$10$" + REST,
    }


def test_what_is_read_can_be_checked() -> None:
    made = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    assert bcrypt.checkpw(b"secret", parse_users(f"alice:{made}\n".encode())["alice"].encode())


def test_an_empty_file_has_nobody() -> None:
    assert parse_users(b"") == {}


ROWS = [
    ("apr1", "alice:$apr1$abc$def", (1, 7), "is no bcrypt hash"),
    ("plain text", "alice:secret", (1, 7), "is no bcrypt hash"),
    ("SHA-1", "alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", (1, 7), "is no bcrypt hash"),
    ("crypt's older bcrypt", "alice:$2x$12$" + REST, (1, 7), "is no bcrypt hash"),
    ("one character short", "alice:" + HASH[:-1], (1, 7), "is no bcrypt hash"),
    ("one too long", "alice:" + HASH + "x", (1, 7), "is no bcrypt hash"),
    ("a blank behind", "alice:" + HASH + " ", (1, 7), "is no bcrypt hash"),
    ("a salt that bcrypt does not take", "alice:" + HASH[:28] + "/" + HASH[29:], (1, 7), "is no bcrypt hash"),
    ("a third field", f"alice:{HASH}:x", (1, 7), "is no bcrypt hash"),
    ("hours for one check", "alice:$2b$31$" + REST, (1, 7), "has cost 31"),
    ("one more than is checked", "alice:$2b$15$" + REST, (1, 7), "has cost 15"),
    ("less than bcrypt has", "alice:$2b$03$" + REST, (1, 7), "has cost 3"),
    ("no colon", "# x\nalice", (2, 1), "without a colon"),
    ("no name", ":" + HASH, (1, 1), "is not a user name"),
    ("a blank in the name", "al ice:" + HASH, (1, 1), "is not a user name"),
    ("a name with accents", "élise:" + HASH, (1, 1), "is not a user name"),
    ("a name of 65", "a" * 65 + ":" + HASH, (1, 1), "is not a user name"),
    ("twice", f"alice:{HASH}\nbob:{HASH}\nalice:{HASH}", (3, 1), "again, first on line 1"),
    ("two lines by a bare CR", f"alice:{HASH}\rbob:{HASH}", (1, 7), "is no bcrypt hash"),
]


@pytest.mark.parametrize(("name", "text", "place", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_a_mistake_has_its_place_and_tells_no_hash(
    name: str, text: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(UsersErrors) as caught:
        parse_users(text.encode())
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.column) == place
    assert message in mistake.message
    assert mistake.suggestion
    shown = f"{mistake}{caught.value}"
    assert not any(secret in shown for secret in (REST[:20], "secret", "2jmj7l5", "$apr1"))


def test_bytes_that_are_no_text_are_a_mistake() -> None:
    with pytest.raises(UsersErrors, match="is not a user name"):
        parse_users(b"al\xff:" + HASH.encode())


def test_all_mistakes_at_once() -> None:
    with pytest.raises(UsersErrors) as caught:
        parse_users(b"a\nb\nc:x\n")
    assert [one.line for one in caught.value.mistakes] == [1, 2, 3]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsersErrors, match="cannot be read: No such file"):
        read_users(tmp_path / "users")
    (tmp_path / "users").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsersErrors, match="more than"):
        read_users(tmp_path / "users")
    (tmp_path / "users").write_text(f"alice:{HASH}\n")
    assert read_users(tmp_path / "users") == {"alice": HASH}


def test_a_policy_that_asks_needs_a_file() -> None:
    with pytest.raises(
        DocumentErrors, match="client group `people` has users, and the settings name no file"
    ):
        check_users(POLICY, None)
    check_users(POLICY, Path("users"))
    check_users(parse_policy((HEAD + "clients: {a: {cidrs: [10.0.0.0/8]}}\n").encode()), None)


def test_what_policy_and_file_do_not_agree_on() -> None:
    assert [one.message for one in find_user_warnings(POLICY, {"alice": HASH, "dave": HASH})] == [
        "user `carol` has no line in the users file: nobody can be it"
    ]
    nobody = parse_policy(HEAD.encode())
    assert [one.message for one in find_user_warnings(nobody, {"alice": HASH})] == [
        "no client group has `users`: nobody is asked for a password"
    ]
