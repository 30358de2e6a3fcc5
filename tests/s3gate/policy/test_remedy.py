"""The smallest change is proven: with it, and only with it, the same code allows the same request."""

from datetime import UTC, datetime

import pytest

from s3gate.policy.as_signed import sign_as
from s3gate.policy.decision import Reason
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.reading import Request
from s3gate.policy.remedy import ENFORCED, Remedy, find_remedy
from s3gate.s3.credential import account_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)
KEY_ID = "AKIARTX3GSDSQAAACAQD"  # of account 111122223333
TEXT = """\
version: 1
endpoints:
  partitions: [aws]
  regions: [eu-west-1]
  classes: [standard]
  path_style: deny
clients: {batch: {cidrs: [10.20.0.0/24]}}
rules:
  - id: up
    bucket: upl
    allow: [read, write]
    keys: ["in/*"]
    clients: [batch]
    accounts: ["111122223333"]
  - {id: owned, bucket: owned, allow: [read], owner: "111122223333"}
  - {id: open, bucket: open, allow: [read, write]}
  - {id: watched, bucket: watched, allow: [read], mode: monitor, until: 2026-12-31}
hosts:
  - {name: logs.eu-west-1.amazonaws.com, accounts: ["444455556666"]}
"""
UP = "https://upl.s3.eu-west-1.amazonaws.com"
OPEN = "https://open.s3.eu-west-1.amazonaws.com"
EVIL = "https://evil.s3.eu-west-1.amazonaws.com"


def request(
    method: str, url: str, *, client: str = "10.20.0.5", key_id: str | None = KEY_ID, **headers: str
) -> Request:
    fields: dict[str, object] = {"method": method, "url": url, "client": client}
    if headers:
        host = url.split("/")[2]
        fields["headers"] = {
            "Host": host,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
    built = build_request(fields, NOW)
    return built if key_id is None else sign_as(built, key_id)


def remedy(asked: Request, text: str = TEXT) -> Remedy | None:
    policy, root = parse_policy_tree(text.encode())
    return find_remedy(root, policy, asked)


ONE = "accounts: ['111122223333']}`"
CHANGES = [
    ("another bucket", request("PUT", f"{EVIL}/k"), [(8, "add to `rules`: `- {id: evil, bucket: evil, allow: [PutObject], keys: [k], " + ONE)]),
    ("an operation", request("DELETE", f"{UP}/in/k"), [(11, "add `DeleteObject` to `allow` of rule `up`")]),
    ("a key", request("PUT", f"{UP}/out/k"), [(12, "add `out/k` to `keys` of rule `up`")]),
    ("a prefix", request("GET", f"{UP}/?list-type=2&prefix=out/"),
     [(11, "add `ListObjectsV2` to `allow` of rule `up`"), (12, "add `out/*` to `keys` of rule `up`")]),
    ("a list of everything", request("GET", f"{OPEN}/?list-type=2"), [(16, "add `ListObjectsV2` to `allow` of rule `open`")]),
    ("a list of everything, where keys are limited", request("GET", f"{UP}/?list-type=2"),
     [(8, "add to `rules`: `- {id: upl, bucket: upl, allow: [ListObjectsV2], accounts: ['111122223333'], clients: [batch]}`")]),
    ("a client", request("PUT", f"{UP}/in/k", client="10.99.0.5"),
     [(7, "write `client-10-99-0-5: {cidrs: [10.99.0.5/32]}` in `clients`"), (13, "add `client-10-99-0-5` to `clients` of rule `up`")]),
    ("path style", request("GET", "https://s3.eu-west-1.amazonaws.com/open/k"), [(6, "write `path_style: allow` in `endpoints`")]),
    ("a region", request("GET", "https://open.s3.eu-west-2.amazonaws.com/k"), [(4, "add `eu-west-2` to `endpoints.regions`")]),
    ("a class", request("GET", "https://open.s3.dualstack.eu-west-1.amazonaws.com/k"), [(5, "add `dualstack` to `endpoints.classes`")]),
    ("an interface endpoint", request("GET", "https://open.bucket.vpce-0123456789abcdef0-abcdefgh.s3.eu-west-1.vpce.amazonaws.com/k"),
     [(3, "add `vpce-0123456789abcdef0` to `endpoints.vpce`, and add `vpce` to `endpoints.classes`")]),
    ("a copy's source", request("PUT", f"{OPEN}/k", x_amz_copy_source="evil/s"),
     [(8, "add to `rules`: `- {id: evil, bucket: evil, allow: [GetObject], keys: [s], " + ONE)]),
    ("a copy's source key", request("PUT", f"{OPEN}/k", x_amz_copy_source="upl/s"), [(12, "add `s` to `keys` of rule `up`")]),
    ("nobody signed", request("GET", f"{OPEN}/k", key_id=None), [(0, "write `unsigned: allow`")]),
    ("clear text", request("GET", f"http{OPEN[5:]}/k"), [(0, "write `plain_http: allow`")]),
    ("a probe in clear text", request("HEAD", f"http{OPEN[5:]}/", key_id=None), [(0, "write `plain_http: head`")]),
    ("encryption", request("PUT", f"{OPEN}/k", x_amz_server_side_encryption_customer_algorithm="AES256"),
     [(16, "write `encryption: any` in rule `open`")]),
    ("a service", request("POST", "https://sts.eu-west-1.amazonaws.com/"),
     [(18, "add `{name: sts.eu-west-1.amazonaws.com, accounts: ['111122223333']}` to `hosts`")]),
    ("an account of a service", request("POST", "https://logs.eu-west-1.amazonaws.com/"),
     [(19, "add `'111122223333'` to `accounts` of host `logs.eu-west-1.amazonaws.com`")]),
    ("watched only", request("PUT", "https://watched.s3.eu-west-1.amazonaws.com/k"), [(17, "add `PutObject` to `allow` of rule `watched`")]),
    ("a preset's bucket", request("GET", "https://amazon-ssm-eu-west-1.s3.eu-west-1.amazonaws.com/k", key_id=None), [(0, "add `ssm-agent` to `presets`")]),
    ("an access point", request("GET", "https://app-444455556666.s3-accesspoint.eu-west-1.amazonaws.com/k"),
     [(5, "add `access-point` to `endpoints.classes`"),
      (8, "add to `rules`: `- {id: app, access_point: 'arn:aws:s3:eu-west-1:444455556666:accesspoint/app', allow: [GetObject], keys: [k], " + ONE)]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "told"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_the_smallest_change(asked: Request, told: list[tuple[int, str]]) -> None:
    found = remedy(asked)
    assert found is not None
    assert [(one.line, one.text) for one in found.edits] == told
    assert found.decision is not None
    assert found.decision.reason in ENFORCED


NONE = [
    ("two hosts", request("GET", f"{UP}/in/k", Host="evil.s3.eu-west-1.amazonaws.com"), "must name one host"),
    ("malformed", request("G T", f"{UP}/in/k"), "must have one reading"),
    ("outside AWS", request("GET", "https://example.com/"), "no AWS name that can be listed"),
    ("an address", request("GET", "https://192.0.2.1/"), "a name, not an address"),
    ("no bucket", request("GET", "https://s3.eu-west-1.amazonaws.com/"), "must name one bucket"),
    ("an owner that is not proven", request("GET", "https://owned.s3.eu-west-1.amazonaws.com/k"), "--expected-bucket-owner"),
    ("nobody signed where accounts are told", request("GET", f"{UP}/in/k", key_id=None), "sign with a key"),
    ("another partition", request("GET", "https://open.s3.cn-north-1.amazonaws.com.cn/k"), "no change of few words"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "says"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_what_no_change_may_allow(asked: Request, says: str) -> None:
    found = remedy(asked)
    assert found is not None
    assert (found.edits, found.decision) == ((), None)
    assert says in found.advice


def test_what_is_allowed_needs_none() -> None:
    assert remedy(request("GET", f"{OPEN}/k")) is None


WEAKER = [
    ("unsigned", request("GET", f"{OPEN}/k", key_id=None)),
    ("clear text", request("GET", f"http{OPEN[5:]}/k")),
    ("region", request("GET", "https://open.s3.eu-west-2.amazonaws.com/k")),
    ("encryption", request("PUT", f"{OPEN}/k", x_amz_server_side_encryption_customer_algorithm="AES256")),
    ("admin", request("PUT", f"{OPEN}/?policy")),
    ("a key that is a pattern", request("PUT", f"{EVIL}/%2a")),
    ("a prefix", request("GET", f"{UP}/?list-type=2&prefix=out/")),
    ("a service", request("POST", "https://sqs.eu-west-1.amazonaws.com/")),
]


@pytest.mark.parametrize("asked", [row[1] for row in WEAKER], ids=[row[0] for row in WEAKER])
def test_what_opens_more_than_this_says_so(asked: Request) -> None:
    found = remedy(asked)
    assert found is not None
    assert any(one.caution for one in found.edits)


def test_a_group_that_holds_others_too_says_so() -> None:
    text = TEXT.replace("clients: {batch", "clients: {office: {cidrs: [10.0.0.0/8]}, batch")
    found = remedy(request("PUT", f"{UP}/in/k", client="10.99.0.5"), text)
    assert found is not None
    (one,) = found.edits
    assert one.text == "add `office` to `clients` of rule `up`"
    assert one.caution == "all that rule `up` allows, for every client of `office`"


def test_a_new_rule_keeps_what_the_others_for_the_bucket_insist_on() -> None:
    """Else the smallest change would be the way around an owner, an account or a client group."""
    found = remedy(request("DELETE", "https://owned.s3.eu-west-1.amazonaws.com/k"))
    assert found is not None
    assert found.edits == ()
    assert "x-amz-expected-bucket-owner" in found.advice
    bucket = remedy(request("PUT", f"{UP}/?cors"))
    assert bucket is not None
    assert "clients: [batch]" in bucket.edits[0].text
    assert "accounts: ['111122223333']" in bucket.edits[0].text


def test_what_does_not_concern_the_request_does_not_cost() -> None:
    many = "".join(f"  - {{id: r{n}, bucket: bucket-{n}, allow: [read]}}\n" for n in range(2000))
    text = TEXT.replace("rules:\n", "rules:\n" + many)
    found = remedy(request("DELETE", f"{OPEN}/k"), text)
    assert found is not None
    assert [one.line for one in found.edits] == [2016]


def test_monitor_mode_is_no_way_out() -> None:
    found = remedy(request("PUT", "https://watched.s3.eu-west-1.amazonaws.com/k"))
    assert found is not None
    assert found.decision is not None
    assert found.decision.reason is Reason.ALLOWED_BY_RULE


FOREIGN = "AKIA5TUXHE4EQAAACAQD"


def test_keys_of_an_account_that_the_policy_does_not_know_are_cautioned_of() -> None:
    """A copy to a stranger's own bucket with the stranger's keys is what a denial is there for."""
    account = account_of(FOREIGN)
    assert account is not None
    found = remedy(request("PUT", f"{EVIL}/k", key_id=FOREIGN))
    assert found is not None
    assert f"account {account}, which signed, stands nowhere else" in str(found.edits[-1].caution)
    known = remedy(request("PUT", f"{EVIL}/k"))
    assert known is not None
    assert known.edits[-1].caution is None
