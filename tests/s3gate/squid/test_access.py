"""What an acl says of a name, and what a line of http_access comes to."""

from ipaddress import ip_network

import pytest

from s3gate.squid.access import Access, Truth, matches, read_access, read_networks
from s3gate.squid.statement import Place, Statement, Unreadable, Value


def access(text: str) -> Access:
    statements = []
    for number, line in enumerate(text.splitlines(), 1):
        place = Place("f", number)
        word, *rest = line.split()
        statements.append(Statement(word, tuple(Value(one, place) for one in rest), place))
    return read_access(statements)


ACLS = access(
    "acl names dstdomain a.example .b.example\nacl ports port 80 1-442 443\nacl others port 80 444-500 x\n"
    "acl method method GET CONNECT\nacl lan src 10.0.0.0/8\nacl any src 0.0.0.0/0\nacl six src ::/0\nacl who src host.example\nacl time time 00:00-24:00\n"
)


@pytest.mark.parametrize(
    ("acl", "name", "truth"),
    [
        ("names", "a.example", Truth.YES),
        ("names", "x.a.example", Truth.NO),
        ("names", "b.example", Truth.YES),
        ("names", "x.b.example", Truth.YES),
        ("names", "xb.example", Truth.NO),
        ("!names", "a.example", Truth.NO),
        ("ports", "x", Truth.YES),
        ("others", "x", Truth.NO),
        ("method", "x", Truth.YES),
        ("lan", "x", Truth.CLIENT),
        ("!lan", "x", Truth.UNKNOWN),
        ("any", "x", Truth.YES),
        ("six", "x", Truth.UNKNOWN),
        ("who", "x", Truth.UNKNOWN),
        ("time", "x", Truth.UNKNOWN),
        ("!time", "x", Truth.UNKNOWN),
        ("all", "x", Truth.YES),
        ("!all", "x", Truth.NO),
        ("manager", "x", Truth.NO),
        ("localhost", "x", Truth.UNKNOWN),
    ],
)
def test_an_acl_of_a_name(acl: str, name: str, truth: Truth) -> None:
    assert ACLS.truth(acl, name) is truth


@pytest.mark.parametrize(("value", "name"), [("A.Example", "a.example"), (".A.example", "x.a.example")])
def test_names_are_compared_without_case(value: str, name: str) -> None:
    assert matches(value, name)


@pytest.mark.parametrize(
    ("lines", "everyone", "groups", "stopped"),
    [
        ("http_access allow n\nhttp_access deny all", True, (), None),
        ("http_access deny n\nhttp_access allow all", False, (), None),
        ("http_access allow n lan\nhttp_access deny all", False, ("lan",), None),
        ("http_access allow lan\nhttp_access allow n lan2", False, ("lan", "lan2"), None),
        ("http_access allow n lan lan2\nhttp_access deny all", False, (), None),
        ("http_access allow n time\nhttp_access deny all", False, (), None),
        (
            "http_access allow lan\nhttp_access deny time\nhttp_access allow n",
            False,
            ("lan",),
            "http_access deny time",
        ),
        ("http_access deny lan\nhttp_access allow n", False, (), "http_access deny lan"),
        ("http_access allow lan\nhttp_access allow n", True, ("lan",), None),
        ("http_access allow other", False, (), None),
    ],
)
def test_lines_are_taken_in_order(
    lines: str, everyone: bool, groups: tuple[str, ...], stopped: str | None
) -> None:
    found = access(
        "acl n dstdomain a.example\nacl other dstdomain b.example\nacl lan src 10.0.0.0/8\nacl lan2 src 10.1.0.0/16\n"
        f"acl time time 00:00-24:00\n{lines}\n"
    ).grant("a.example")
    assert (found.everyone, found.groups) == (everyone, groups)
    assert (str(found.stopped) if found.stopped else None) == stopped


@pytest.mark.parametrize(
    ("values", "networks"),
    [
        ("10.1.2.3", ["10.1.2.3/32"]),
        ("10.1.2.3/8", ["10.0.0.0/8"]),
        ("10.0.0.0/255.255.0.0", ["10.0.0.0/16"]),
        ("10.0.0.0/0.255.255.255", None),
        ("10.0.0.0/255.0.255.0", None),
        ("10.0.0.0/0", None),
        ("10.0.0.0/0.0.0.0", None),
        ("::/0", None),
        ("0.0.0.0/0", ["0.0.0.0/0", "::/0"]),
        ("10.0.0.0-10.0.0.3", ["10.0.0.0/30"]),
        ("fd00::-fd00::1", ["fd00::/127"]),
        ("all", ["0.0.0.0/0", "::/0"]),
        ("10.0.0.1-fd00::1", None),
        ("host.example", None),
    ],
)
def test_networks(values: str, networks: list[str] | None) -> None:
    found = read_networks(access(f"acl a src {values}\n").acls["a"])
    assert found == (None if networks is None else [ip_network(one) for one in networks])


@pytest.mark.parametrize("last", ["http_access deny x", "http_access deny all x"])
def test_the_opposite_of_the_last_line_is_what_is_left(last: str) -> None:
    assert access(f"acl x dstdomain a\n{last}\n").open_at_end is not None


def test_a_list_that_ends_in_deny_all_or_allow_is_closed() -> None:
    for last in ("http_access deny all", "http_access allow x"):
        assert access(f"acl x dstdomain a\n{last}\n").open_at_end is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("acl a src all\nacl a dstdomain x\n", "of kinds `src` and `dstdomain`"),
        ("http_access allow nobody\n", "`nobody` is not defined"),
        ("http_access deny !nobody\n", "`nobody` is not defined"),
    ],
)
def test_what_squid_refuses_is_refused(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        access(text)
