"""A policy goes to standard output, ready to be applied; everything for a person to standard error."""

import json

import pytest

from s3gate.aws.export.document import document
from s3gate.aws.export.size import Limit
from s3gate.cli.policy.export.output import Export, tell_exports, tell_notes

LIMIT = Limit(1000, True, "")
DOCUMENT = document([{"Sid": "a"}])


def test_one_policy_is_all_of_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    tell_exports([Export("iam", DOCUMENT, LIMIT)], ["be careful", "be careful"], as_json=False)
    told = capsys.readouterr()
    assert json.loads(told.out) == DOCUMENT
    assert told.err == "note: be careful\n"


def test_several_are_named_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    tell_exports([Export("iam", DOCUMENT, LIMIT, {"part": one}) for one in (1, 2)], [], as_json=False)
    assert capsys.readouterr().err == "policy for part 1:\npolicy for part 2:\n"


def test_json_is_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell_exports(
        [Export("bucket", DOCUMENT, LIMIT, {"bucket": one}) for one in ("a", "b")], ["x"], as_json=True
    )
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    length = len('{"Version":"2012-10-17","Statement":[{"Sid":"a"}]}')
    assert lines[1] == {
        "kind": "bucket",
        "bucket": "b",
        "characters": length,
        "limit": 1000,
        "policy": DOCUMENT,
    }
    assert len(lines) == 2
    assert told.err == "note: x\n"


def test_notes_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell_notes(["a", "b", "a"])
    assert capsys.readouterr().err == "note: a\nnote: b\n"
