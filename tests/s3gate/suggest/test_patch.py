"""A plan in the file, and the difference as tools take it."""

from dataclasses import replace

import pytest

from generate.asks import POLICY
from s3gate.policy.document import parse_policy
from s3gate.suggest.draft import NotEditable
from s3gate.suggest.patch import amend, cautions, describe, known_accounts, render_patch, strangers
from s3gate.suggest.plan import CLIENTS_MAX, KEYS_MAX, Plan, Witness, make_plan
from s3gate.suggest.want import HostWant, RuleWant, Want, Word

WANT = RuleWant(
    "bucket", "one", "aws", "GetObject", (), False, False, None, None, "609629065308", None, False
)
SEEN = Witness(
    3, "2026-11-22T12:00:00.1Z", "2026-11-23T12:00:00.1Z", {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}
)
FILE = POLICY.encode()


def plan(*wants: Want) -> Plan:
    return make_plan((one, SEEN) for one in wants)


def test_everything_that_is_planned_is_in_the_file() -> None:
    point = "arn:aws:s3:us-east-1:111122223333:accesspoint/fin"
    changed = parse_policy(
        amend(
            FILE,
            plan(
                WANT,
                replace(WANT, key="access_point", value=point),
                replace(WANT, value="data", owner="609629065308", encryption_any=True, patterns=('in/"x"',)),
                replace(WANT, value="two", address="10.99.0.1"),
                Word("classes", "access-point"),
                Word("classes", "vpce"),
                Word("vpce", "vpce-0a1b"),
                HostWant("logs.us-east-1.amazonaws.com", "609629065308"),
                HostWant("sts.ap-northeast-1.amazonaws.com", "111122223333"),
            ),
        )
    )
    rules = {rule.id: rule for rule in changed.rules}
    assert rules["one"].accounts == {"609629065308"}
    assert rules["fin"].access_point == point
    assert (rules["data-2"].owner, rules["data-2"].encryption_any) == ("609629065308", True), (
        "`data` is taken"
    )
    assert [glob.text for glob in rules["data-2"].keys] == ['in/"x"']
    assert [str(one) for one in changed.clients["suggested"].cidrs] == ["10.99.0.1/32"]
    assert changed.vpce == {"vpce-0a1b"}
    assert changed.hosts["sts.ap-northeast-1.amazonaws.com"].accounts == {"111122223333", "609629065308"}


@pytest.mark.parametrize("key", ["\U0001f600/x", "\u202ea\u200b", 'a"\\b\n\x1b', "é\x85\u2028"], ids=ascii)
def test_a_key_of_any_characters_is_in_the_file_and_obeyed_by_no_terminal(key: str) -> None:
    changed = amend(FILE, plan(replace(WANT, patterns=(key,))))
    assert changed.isascii()
    assert [glob.text for glob in parse_policy(changed).rules[-1].keys] == [key]


def test_keys_that_became_folders_are_told() -> None:
    found = plan(*(replace(WANT, patterns=(f"in/{number}",)) for number in range(KEYS_MAX + 1)))
    told = "# caution: of every key in these folders: the 6 that were asked for are too many"
    assert told in amend(FILE, found).decode()
    assert told not in amend(FILE, plan(replace(WANT, patterns=("in/1",)))).decode()


def test_the_group_for_outsiders_has_a_name_of_its_own() -> None:
    taken = POLICY.replace("  batch:", "  suggested: {cidrs: [10.30.0.0/24]}\n  batch:")
    changed = parse_policy(amend(taken.encode(), plan(replace(WANT, address="10.99.0.1"))))
    assert changed.rules[-1].clients == ("suggested-2",)


def test_another_partition_is_told_not_done_where_rules_do_not_name_theirs() -> None:
    with pytest.raises(NotEditable, match="add `partition:` to every rule first"):
        amend(FILE, plan(Word("partitions", "aws-cn")))


def test_what_would_not_be_valid_is_not_written() -> None:
    with pytest.raises(NotEditable, match="would not be valid"):
        amend(FILE, plan(replace(WANT, value="Not A Bucket")))
    with pytest.raises(NotEditable, match=r"valid|more than was suggested"):
        amend(FILE, plan(replace(WANT, value="x\n  - {id: evil, bucket: evil-bucket, allow: [admin]}")))


def test_a_patch_says_where_a_file_has_no_line_end() -> None:
    assert render_patch(b"a\nb", b"a\nb\nc\n", "x/p.yaml") == (
        "--- a/x/p.yaml\n+++ b/x/p.yaml\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"
    )
    assert (
        render_patch(b"a\x0cb\r\n", b"a\x0cb\r\nc\r\n", "p")
        == "--- a/p\n+++ b/p\n@@ -1 +1,2 @@\n a\x0cb\r\n+c\r\n"
    )
    assert render_patch(b"a\n", b"a\n", "p") == ""


def test_cautions() -> None:
    known = known_accounts(parse_policy(FILE))
    assert known == {"609629065308"}
    stranger, nobody, beyond, admin = (
        plan(one).rules[0]
        for one in (
            replace(WANT, account="111122223333", group="batch"),
            replace(WANT, account=None),
            replace(WANT, beyond=True, exact=True),
            replace(WANT, operation="PutBucketAcl"),
        )
    )
    assert cautions(stranger, known) == [
        "account 111122223333 stands nowhere else in the policy: whose is it?"
    ]
    assert any("every account may sign" in one for one in cautions(nobody, known))
    assert any("every client may" in one for one in cautions(nobody, known))
    assert any("of every key" in one for one in cautions(beyond, known))
    assert any(
        "PutBucketAcl is of class admin: gives the bucket to others" in one for one in cautions(admin, known)
    )
    assert strangers({"1"}, frozenset()) == [], "a policy that names no account knows none"


def test_a_witness_in_words() -> None:
    assert describe(SEEN) == (
        "asked 3 times, 2026-11-22 12:00:00 to 2026-11-23 12:00:00 UTC, by 10.0.0.1, 10.0.0.2, 10.0.0.3 and 1 other"
    )
    many = Witness(1, "a", "b", {f"{number:04}" for number in range(CLIENTS_MAX)})
    assert describe(many).endswith(f"by 0000, 0001, 0002 and at least {CLIENTS_MAX - 3} others"), (
        "no more are kept"
    )
    assert "\n" not in describe(Witness(1, "a\nb", "c", {"x\n- evil: 1"}))
