"""A dead letter is kept whole on disk; its stub repeats nothing that a client sent."""

import json
from pathlib import Path

import pytest

from s3gate.audit.chain import GENESIS, seal
from s3gate.audit.dead_letter import DeadLetters, render_stub


def test_dead_letters_are_kept_whole(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    letters.keep("one \udc80 \n", "InvalidParameterException")
    letters.keep("two", "ValidationException")
    lines = (tmp_path / "dead-letter.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["one \udc80 \n", "two"]
    assert (tmp_path / "dead-letter.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dead-letter.jsonl").mkdir()
    with pytest.raises(OSError, match="directory"):
        DeadLetters(tmp_path).keep("one", "InvalidParameterException")


def test_a_stub_names_the_record() -> None:
    line, _ = seal(b'{"request":{"key":"secret plan"}}', "w1", 12, GENESIS, b"k" * 16)
    stub = json.loads(render_stub(line.decode(), "InvalidParameterException"))
    assert (stub["event"], stub["writer"], stub["seq"]) == ("dead_letter", "w1", 12)
    assert "secret" not in str(stub)


def test_a_stub_of_something_else_has_no_place() -> None:
    stub = json.loads(render_stub("\ud800", "ValidationException"))
    assert (stub["writer"], stub["seq"]) == (None, None)
