"""What explain says: fits a terminal, shows the rule's line, and nothing that a terminal would obey."""

import json
from datetime import UTC, datetime
from pathlib import Path

from s3gate.cli.explain_answer import WIDTH, Answer
from s3gate.policy.as_signed import sign_as
from s3gate.policy.described_request import build_request
from s3gate.policy.document import parse_policy

DATA = b"""\
version: 1
endpoints: {partitions: [aws], regions: [eu-west-1], classes: [standard]}
rules:
  - {id: a, bucket: bkt, allow: [read], keys: ["in/*"]}
  - {id: m, bucket: mon, allow: [read], mode: monitor, until: 2026-12-31}
"""


def answer(url: str, method: str = "GET", *, signed: bool = True) -> Answer:
    request = build_request({"method": method, "url": url}, datetime(2026, 7, 1, tzinfo=UTC))
    request = sign_as(request, "AKIARTX3GSDSQAAACAQD") if signed else request
    return Answer(Path("p.yaml"), DATA, parse_policy(DATA), request, ("a note",))


def test_an_allow_has_its_rule_and_no_change() -> None:
    said = answer("https://bkt.s3.eu-west-1.amazonaws.com/in/k")
    assert said.decision.allowed
    lines = said.render().splitlines()
    assert lines[0] == "note            a note"
    assert lines[-2:] == [
        "rule            a (p.yaml:4)",
        '                - {id: a, bucket: bkt, allow: [read], keys: ["in/*"]}',
    ]
    assert json.loads(said.render_json())["change"] is None


def test_what_a_request_brings_is_shown_and_not_obeyed() -> None:
    said = answer("https://bkt.s3.eu-west-1.amazonaws.com/%1b%5b2J%e2%80%ae")
    assert "\\x1b[2J\\u202e" in said.render()
    assert "\x1b" not in said.render()
    assert "\u202e" not in said.render()
    assert "KEY_NOT_ALLOWED" in said.render()


def test_lines_fit_a_terminal() -> None:
    text = answer(
        "https://evil.s3.eu-west-1.amazonaws.com/some/longer/key/of/an/object.parquet", "PUT"
    ).render()
    assert "allow: [PutObject]" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_caution_stands_below_its_change() -> None:
    text = answer("https://bkt.s3.eu-west-1.amazonaws.com/in/k", signed=False).render()
    change, caution = text.index("write `unsigned: allow`"), text.index("caution: anonymous requests")
    assert change < caution < text.index("the answer is then ALLOWED_BY_RULE")


def test_without_a_change_it_says_why() -> None:
    said = answer("https://example.com/")
    assert "to allow it     no policy allows this" in said.render()
    machine = json.loads(said.render_json())
    assert (machine["change"], machine["step"]) == (None, 2)
    assert machine["advice"].startswith("no policy allows this")


def test_what_monitor_mode_lifted() -> None:
    text = answer("https://mon.s3.eu-west-1.amazonaws.com/k", "PUT").render()
    assert "decision        allow, MONITOR_ONLY\nwould deny      OPERATION_NOT_ALLOWED\n" in text
    assert "                ~ 12. A rule allows it.\n                ✓ 13." in text
    assert "add `PutObject` to `allow` of rule `m`" in " ".join(text.split())


def test_a_preset_is_named_with_its_source() -> None:
    data = DATA.partition(b"rules:")[0] + b"presets: [ssm-agent]\n"
    asked = {"method": "GET", "url": "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/k"}
    request = build_request(asked, datetime(2026, 7, 1, tzinfo=UTC))
    said = Answer(Path("p.yaml"), data, parse_policy(data), request)
    assert said.decision.reason.value == "ALLOWED_PRESET"
    label, source = said.render().splitlines()[-2:]
    assert label == "rule            preset:ssm-agent, known from"
    assert source.strip().startswith("https://docs.aws.amazon.com/systems-manager/")
    assert json.loads(said.render_json())["rule_line"] is None
