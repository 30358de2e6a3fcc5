"""A whitelist as a policy: valid, commented, and with a hole where only a person knows."""

from ipaddress import ip_network
from itertools import product

import pytest

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.reading import Client
from s3gate.squid.rendering import Wanted, render_policy
from s3gate.squid.statement import Place
from s3gate.squid.translation import Target, translate
from s3gate.squid.whitelist import Entry, Note, Whitelist

WANTED = Wanted(("read", "list"), ("111122223333",), "squid.conf")
PLACE = Place("list", 3)


def entry(name: str, *groups: str, by_bucket: bool = False) -> Entry:
    target = translate(name, by_bucket=by_bucket)
    assert isinstance(target, Target)
    return Entry(target, (PLACE,), groups)


def whitelist(*entries: Entry, notes: tuple[Note, ...] = (), **clients: list[str]) -> Whitelist:
    return Whitelist(entries, notes, {name: tuple(map(ip_network, nets)) for name, nets in clients.items()})


def test_a_rule_for_each_name_and_what_it_needs_under_endpoints() -> None:
    found = whitelist(
        entry("one.s3.eu-west-1.amazonaws.com"),
        entry("two.s3.dualstack.us-east-1.amazonaws.com"),
        entry("one.s3.us-east-1.amazonaws.com"),
        entry("sts.eu-west-1.amazonaws.com"),
    )
    policy = parse_policy(render_policy(found, WANTED).encode())
    assert (set(policy.regions), {str(one) for one in policy.classes}) == (
        {"eu-west-1", "us-east-1"},
        {"standard", "dualstack"},
    )
    assert [(rule.id, rule.fqdn) for rule in policy.rules][2] == ("one-2", "one.s3.us-east-1.amazonaws.com")
    assert policy.hosts["sts.eu-west-1.amazonaws.com"].accounts == {"111122223333"}


def test_names_of_one_bucket_are_one_rule() -> None:
    names = (
        "one.s3.eu-west-1.amazonaws.com",
        "one.s3.us-east-1.amazonaws.com",
        "one.s3.cn-north-1.amazonaws.com.cn",
    )
    policy = parse_policy(
        render_policy(whitelist(*(entry(one, by_bucket=True) for one in names)), WANTED).encode()
    )
    assert [(rule.bucket, rule.partition) for rule in policy.rules] == [("one", "aws"), ("one", "aws-cn")]


def test_an_account_that_nobody_gave_is_a_hole_that_check_refuses() -> None:
    text = render_policy(whitelist(entry("sts.eu-west-1.amazonaws.com")), Wanted(("read",), (), "x"))
    text = text.replace("[REGION]", "[eu-west-1]")
    with pytest.raises(PolicyErrors) as refused:
        parse_policy(text.encode())
    (mistake,) = refused.value.mistakes
    assert mistake.message == "`ACCOUNT-ID` is not an account id of 12 digits"


def test_notes_are_comments_that_nothing_escapes_from() -> None:
    note = Note(Place("a\nb", 1), "x\nrules: []\n\x1b[2J\u2028é" + "y" * 200, "because")
    text = render_policy(whitelist(entry("one.s3.eu-west-1.amazonaws.com"), notes=(note,)), WANTED)
    assert len(parse_policy(text.encode()).rules) == 1
    assert text.isascii()
    (line,) = [line for line in text.splitlines() if "because" in line]
    assert line.startswith("# - a?b:1: `x?rules: []??[2J??yyy")


def test_clients_of_several_acls_are_in_one_group_each() -> None:
    """Squid let a client through when one of its acls does; here a client is in its most specific group."""
    found = whitelist(
        entry("one.s3.eu-west-1.amazonaws.com", "lan"),
        entry("two.s3.eu-west-1.amazonaws.com", "batch"),
        entry("both.s3.eu-west-1.amazonaws.com", "lan", "batch"),
        lan=["10.0.0.0/8", "192.168.0.0/24"],
        batch=["10.1.0.0/16", "192.168.0.0/24", "172.16.0.0/16"],
    )
    policy = parse_policy(render_policy(found, WANTED).encode())
    rules = {rule.id: rule for rule in policy.rules}
    clients = ("10.0.0.1", "10.1.0.1", "192.168.0.1", "172.16.0.1", "8.8.8.8")
    squid = {"one": {0, 1, 2}, "two": {1, 2, 3}, "both": {0, 1, 2, 3}}
    for name, (number, client) in product(squid, enumerate(clients)):
        assert (policy.membership.find(Client(client)) in rules[name].clients) == (number in squid[name]), (
            name,
            client,
        )
