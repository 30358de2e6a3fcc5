"""What is taken over of a squid.conf, held against what Squid itself answers."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drive.squid import USER, _await_listening, free_port
from generate.asks import Ask
from s3gate.policy.connection_steps import HTTPS_PORT
from s3gate.policy.decide import decide_request
from s3gate.policy.document import parse_policy
from s3gate.policy.model import Policy
from s3gate.squid.rendering import Wanted, render_policy
from s3gate.squid.statement import Unreadable
from s3gate.squid.whitelist import read_whitelist

S3 = "s3.eu-west-1.amazonaws.com"
STS = "sts.eu-west-1.amazonaws.com"
CLIENTS = ("127.0.0.1", "127.0.1.1", "127.0.1.2", "127.1.0.1")
COMMON = "acl https port 443\nacl CONNECT method CONNECT\nhttp_access deny CONNECT !https\n"
ACCOUNT = "609629065308"

LISTS = {
    "a list": (
        COMMON + 'acl good dstdomain "{list}"\nhttp_access allow good\nhttp_access deny all\n',
        (f"one.{S3}\n# no\n\n  two.{S3}   # yes\r\nthree.{S3} four.{S3}\nFIVE.{S3}\n*.{S3}\nsix.{S3}.\nhttps://seven.{S3}/\n"
        f'eight.{S3}:443\n"nine.{S3}"\n;ten.{S3}\n.wide.{S3}\n{S3}\n{STS}\nwww.example.org\n'),
    ),
    "order": (
        COMMON + "acl bad dstdomain two.{s3} .wide.{s3}\nacl good dstdomain one.{s3} two.{s3} \\\n  x.wide.{s3} wide.{s3}\n"
        "acl late dstdomain three.{s3}\nhttp_access deny bad\nhttp_access allow good\nhttp_access deny all\nhttp_access allow late\n",
        "",
    ),
    "clients": (
        COMMON + "acl a src 127.0.1.0/24\nacl b src 127.0.1.2 127.1.0.0-127.1.0.9\nacl one dstdomain one.{s3}\n"
        "acl two dstdomain two.{s3} {sts}\nacl three dstdomain three.{s3}\nhttp_access allow a one\nhttp_access allow b two\n"
        "http_access allow a three\nhttp_access allow b three\nhttp_access deny all\n",
        "",
    ),
    "a denied client": (
        COMMON + "acl a src 127.0.1.0/24\nacl one dstdomain one.{s3}\nacl two dstdomain two.{s3}\nhttp_access allow one\n"
        "http_access deny a\nhttp_access allow two\nhttp_access deny all\n",
        "",
    ),
    "negations": (
        COMMON + "acl one dstdomain one.{s3} two.{s3}\nacl not dstdomain two.{s3}\nacl three dstdomain three.{s3}\nacl night time 00:00-24:00\n"
        "http_access allow one !not\nhttp_access allow three night\nhttp_access deny all\n",
        "",
    ),
    "open at its end": (
        COMMON + "acl one dstdomain one.{s3}\nacl bad dstdomain two.{s3}\nacl three dstdomain three.{s3}\nhttp_access allow one\nhttp_access deny bad\n",
        "",
    ),
    "added up": (
        COMMON + "acl one dstdomain one.{s3}\nacl one dstdomain -n two.{s3} # tail\nacl any src all\nacl re dstdom_regex ^th.*\n"
        "http_access allow any one\nhttp_access deny re\nhttp_access allow CONNECT\n",
        "",
    ),
    "a regular expression first": (
        COMMON + "acl re dstdom_regex ^one\nacl one dstdomain one.{s3} two.{s3}\nhttp_access deny re\nhttp_access allow one\nhttp_access deny all\n",
        "",
    ),
}  # fmt: skip
NAMES = [
    f"{one}.{S3}" for one in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
]
NAMES += [f"wide.{S3}", f"x.wide.{S3}", "one.s3.amazonaws.com", S3, STS, "www.example.org"]
TAKEN = {
    "a list": {"one", "two", "five", STS},
    "order": {"one"},
    "clients": {"one", "two", "three"},
    "a denied client": {"one"},
    "negations": {"one"},
    "open at its end": {"one"},
    "added up": {"one", "two"},
}


def write(directory: Path, name: str) -> Path:
    conf, listed = LISTS[name]
    (directory / "list").write_bytes(listed.encode())
    file = directory / "squid.conf"
    file.write_text(conf.replace("{list}", str(directory / "list")).replace("{s3}", S3).replace("{sts}", STS))
    return file


def taken_over(file: Path) -> Policy:
    return parse_policy(render_policy(read_whitelist(file), Wanted(("read",), (ACCOUNT,), "x")).encode())


@contextlib.contextmanager
def run(directory: Path, file: Path) -> Iterator[int]:
    """Squid with this file; every name has an address at once, where nobody listens."""
    port = free_port()
    (directory / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in NAMES))
    own = directory / "run.conf"
    own.write_text(
        f"http_port 127.0.0.1:{port}\n{file.read_text()}\nhosts_file {directory}/hosts\ndns_nameservers 127.0.0.1\n"
        f"cache deny all\nmemory_cache_shared off\npid_filename {directory}/pid\naccess_log none\n"
        f"cache_log {directory}/cache.log\ncoredump_dir {directory}\nshutdown_lifetime 0 seconds\nvisible_hostname t\n"
    )
    for parent in (directory, *directory.parents[:3]):
        parent.chmod(0o755)
    with contextlib.suppress(LookupError, PermissionError):
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, USER)
    process = subprocess.Popen(["squid", "-N", "-f", own], stderr=subprocess.PIPE)
    try:
        _await_listening(process, port)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=20)


def squid_allows(port: int, client: str, name: str) -> bool:
    with socket.create_connection(("127.0.0.1", port), 20, (client, 0)) as connection:
        connection.sendall(
            f"CONNECT {name}:{HTTPS_PORT} HTTP/1.1\r\nHost: {name}:{HTTPS_PORT}\r\n\r\n".encode()
        )
        return connection.recv(64).split(b" ")[1] != b"403"


def gate_allows(policy: Policy, client: str, name: str) -> bool:
    service = "sts" if name == STS else "s3"
    region = "us-east-1" if name.endswith("s3.amazonaws.com") else "eu-west-1"
    return decide_request(
        policy, Ask(name, "/k", region=region, service=service, client=client).request()
    ).allowed


@pytest.mark.needs_program("squid")
@pytest.mark.parametrize("name", TAKEN)
def test_nothing_is_taken_over_that_squid_refused(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, name)
    policy = taken_over(file)
    with run(tmp_path, file) as port:
        told = {(client, one): squid_allows(port, client, one) for client in CLIENTS for one in NAMES}
    for (client, one), allowed in told.items():
        if gate_allows(policy, client, one):
            assert allowed, f"{client} {one}: the policy allows it, Squid did not"
    for one in NAMES:
        if one.removesuffix(f".{S3}") in TAKEN[name]:
            assert [client for client in CLIENTS if gate_allows(policy, client, one)] == [
                client for client in CLIENTS if told[client, one]
            ], f"{one}: what Squid let through is what the policy lets through"
    assert {rule.id for rule in policy.rules} | set(policy.hosts) == TAKEN[name]


@pytest.mark.parametrize("name", LISTS)
def test_every_listed_name_is_taken_over_or_has_a_note(tmp_path: Path, name: str) -> None:
    whitelist = read_whitelist(write(tmp_path, name))
    taken = {entry.target.name for entry in whitelist.entries}
    noted = " ".join(note.text for note in whitelist.notes)
    conf, listed = LISTS[name]
    for one in NAMES:
        if one in (conf.replace("{s3}", S3).replace("{sts}", STS) + listed).split():
            assert one in taken or one in noted, one


def test_behind_a_deny_that_cannot_be_told_nothing_is_taken_over(tmp_path: Path) -> None:
    """Squid let `two` through here; which names the expression matches is for Squid to know."""
    whitelist = read_whitelist(write(tmp_path, "a regular expression first"))
    assert whitelist.entries == ()
    why = [note.why for note in whitelist.notes if note.text == f"two.{S3}"]
    assert len(why) == 1
    assert why[0].startswith("`http_access deny re`")
    assert why[0].endswith("comes first and may refuse it to some; who is left cannot be told")


def test_a_plain_list_is_one_too(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(f"one.{S3}\n.wide.{S3}\n{STS}\n")
    whitelist = read_whitelist(file)
    assert [entry.target.name for entry in whitelist.entries] == [f"one.{S3}", STS]
    assert [(note.place.line, note.text) for note in whitelist.notes] == [(2, f".wide.{S3}")]


NOTES = [
    ("acl u proxy_auth REQUIRED\nhttp_access allow u\n", 1, "users of Squid are not taken over"),
    ("acl t time 00:00-24:00\nhttp_access allow t\n", 1, "acls of kind `time` have no counterpart"),
    ("acl l src host.example\nhttp_access allow l\n", 1, "no network"),
    ("acl x dstdomain a\nhttp_access allow all\n", 1, "no http_access line uses it"),
    ("http_access allow all\n", 1, "it allows every destination"),
    ("acl r dstdom_regex ^a\nhttp_access allow r\n", 1, "a regular expression"),
    (f"acl x dstdomain one.{S3}\nhttp_access deny x\n", 2, "the last line denies"),
    (f"acl x dstdomain one.{S3}\nhttp_access allow x\nssl_bump bump all\n", 3, "may have refused more"),
    (
        f"acl x dstdomain {STS}\nacl l src 10.0.0.0/8\nhttp_access allow l x\n",
        1,
        "`hosts` are for every client",
    ),
]


@pytest.mark.parametrize(("text", "line", "why"), NOTES, ids=[row[2] for row in NOTES])
def test_lines_that_are_not_taken_over_are_told(tmp_path: Path, text: str, line: int, why: str) -> None:
    file = tmp_path / "squid.conf"
    file.write_text(text)
    assert [note for note in read_whitelist(file).notes if note.place.line == line and why in note.why]


def test_a_configuration_without_http_access_lets_nothing_pass(tmp_path: Path) -> None:
    file = tmp_path / "squid.conf"
    file.write_text(f"acl x dstdomain one.{S3}\n")
    with pytest.raises(Unreadable, match="no http_access line"):
        read_whitelist(file)
