"""One edit: what it does to a document, where it stands, how it is told."""

import pytest

from s3gate.policy.edit import Document, Edit, concerned, names_bucket, rules_of
from s3gate.policy.reading import CopySourceReading, Reading
from s3gate.policy.yaml_source import parse_yaml

TEXT = b"""\
endpoints: {regions: [a]}
rules:
  - {id: x, bucket: bx, allow: [read]}
  - {id: y, fqdn: by.s3.amazonaws.com, allow: [read]}
  - {id: z, bucket: bz, allow: [read]}
  - {id: p, access_point: arn, allow: [read]}
hosts: [{name: h, accounts: ["1"]}]
"""


def document() -> Document:
    root, mistakes = parse_yaml(TEXT)
    assert root is not None
    assert mistakes == ()
    assert isinstance(root.value, dict)
    return root.value


ROWS = [
    ("a word of a list", Edit(("endpoints", "regions"), "b"), 1, "add `b` to `endpoints.regions`"),
    ("a list of a rule", Edit(("keys",), "k", rule="x"), 3, "add `k` to `keys` of rule `x`"),
    ("a word of a rule", Edit(("encryption",), "any", rule="z"), 5, "write `encryption: any` in rule `z`"),
    ("a host's", Edit(("accounts",), "2", host="h"), 7, "add `'2'` to `accounts` of host `h`"),
    ("a switch", Edit(("unsigned",), "allow"), 0, "write `unsigned: allow`"),
    ("two", Edit(("endpoints", "vpce"), "v", beside=Edit(("endpoints", "classes"), "c")), 1,
     "add `v` to `endpoints.vpce`, and add `c` to `endpoints.classes`"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "line", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_told(edit: Edit, line: int, says: str) -> None:
    root, _ = parse_yaml(TEXT)
    assert root is not None
    changed = document()
    edit.apply(changed)
    assert changed != document()
    assert (edit.line(root), edit.say(changed)) == (line, says)


def test_an_edit_can_be_tried_on_two_documents() -> None:
    edit = Edit(("rules",), {"id": "n", "bucket": "n", "allow": ["read"]}, rule="n")
    first, second = document(), document()
    edit.apply(first)
    Edit(("allow",), "write", rule="n").apply(first)
    edit.apply(second)
    assert rules_of(second)[-1]["allow"] == ["read"]
    assert edit.say(first) == "add to `rules`: `- {id: n, bucket: n, allow: [read, write]}`"


def test_rules_that_may_speak_of_a_request() -> None:
    reading = Reading(bucket="bx", host="bx.s3.amazonaws.com", copy_source=CopySourceReading("by", "k"))
    assert [rule["id"] for rule in rules_of(concerned(document(), reading))] == ["x", "y", "p"]
    assert [rule["id"] for rule in rules_of(concerned(document(), Reading(host="by.s3.amazonaws.com")))] == [
        "y",
        "p",
    ]


def test_a_rule_names_a_bucket_by_its_host_too() -> None:
    assert names_bucket({"fqdn": "b.s3.amazonaws.com"}, "b")
    assert not names_bucket({"fqdn": "bb.s3.amazonaws.com"}, "b")
    assert not names_bucket({}, "b")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("a\u202eb", '"a\\u202Eb"'), ("a\u200bb", '"a\\u200Bb"'), ("a\x1b[2Jb", '"a\\e[2Jb"'), ("日本/é", "日本/é"),
        ("a: b, c}", "'a: b, c}'"), ("a\nb", '"a\\nb"'),
    ],
)  # fmt: skip
def test_a_key_is_told_as_it_reads_and_as_the_file_takes_it(key: str, says: str) -> None:
    told = Edit(("keys",), key, rule="x").say({})
    assert told == f"add `{says}` to `keys` of rule `x`"
    root, mistakes = parse_yaml(f"[{says}]".encode())
    assert root is not None
    assert (root.value, mistakes) == ([key], ())
