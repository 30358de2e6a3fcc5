"""Whatever is done to a sealed line or to the order of lines is found and named by its number."""

import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.chain import GENESIS, Extent, Fault, parse_link, seal
from s3gate.audit.verification import PAGE, Verification, verify

KEY = b"k" * 32


def chain(count: int, writer: str = "w1") -> list[bytes]:
    lines, prev = [], GENESIS
    for seq in range(1, count + 1):
        line, prev = seal(b'{"event":"egress","decision":"deny","n":%d}' % seq, writer, seq, prev, KEY)
        lines.append(line)
    return lines


def edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[4].replace(b"deny", b"allow"), *lines[5:]]


def resealed(lines: list[bytes]) -> list[bytes]:
    """Somebody with the key writes record 5 anew, and leaves the rest."""
    link = parse_link(lines[4])
    assert link is not None
    return [*lines[:4], seal(b'{"decision":"allow"}', "w1", 5, link.prev, KEY)[0], *lines[5:]]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(lambda lines: lines, [], id="untouched"),
        pytest.param(lambda lines: lines[::-1] + lines, [], id="any order, twice"),
        pytest.param(edited, [(Fault.EDITED, 5)], id="edited"),
        pytest.param(lambda lines: lines[:4] + lines[6:], [(Fault.GAP, 7)], id="a gap"),
        pytest.param(lambda lines: lines[3:], [(Fault.CUT_HEAD, 4)], id="a cut head"),
        pytest.param(resealed, [(Fault.BROKEN_LINK, 6)], id="resealed"),
        pytest.param(
            lambda lines: lines + resealed(lines)[4:5], [(Fault.CONFLICT, 5)], id="two of one number"
        ),
        pytest.param(lambda lines: [*lines, b'{"cut'], [(Fault.UNREADABLE, 0)], id="a torn line"),
        pytest.param(lambda _: [], [], id="nothing at all"),
    ],
)
def test_findings(change: Callable[[list[bytes]], list[bytes]], found: list[tuple[Fault, int]]) -> None:
    findings = verify(change(chain(10)), KEY)
    assert [(finding.fault, finding.seq) for finding in findings] == found


def test_a_wrong_key_is_one_finding() -> None:
    assert [finding.fault for finding in verify(chain(10), b"x" * 32)] == [Fault.WRONG_KEY]


def test_a_pruned_head_is_no_finding() -> None:
    assert verify(chain(10)[3:], KEY, Extent(first=5)) == []
    assert [finding.fault for finding in verify(chain(10)[5:], KEY, Extent(first=5))] == [Fault.CUT_HEAD]


@pytest.mark.parametrize(
    ("left", "seq"),
    [pytest.param(10, None, id="whole"), pytest.param(9, 9, id="cut"), pytest.param(0, 10, id="emptied")],
)
def test_a_cut_tail_is_found_where_its_length_is_known(left: int, seq: int | None) -> None:
    found = [(finding.fault, finding.seq) for finding in verify(chain(10)[:left], KEY, Extent(last=10))]
    assert found == ([] if seq is None else [(Fault.CUT_TAIL, seq)])


@given(st.integers(0, 9), st.data())
def test_no_byte_of_a_line_may_change(number: int, data: st.DataObject) -> None:
    lines = chain(10)
    line = lines[number]
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != line[place]))
    lines[number] = line[:place] + bytes([byte]) + line[place + 1 :]
    assert verify(lines, KEY) != []


def beat(seq: int, prev: str, writer: str, heads: list[tuple[str, int, str]]) -> tuple[bytes, str]:
    body = {"event": "heartbeat", "heads": [{"writer": w, "seq": s, "hash": h} for w, s, h in heads]}
    return seal(json.dumps(body).encode(), writer, seq, prev, KEY)


def head_of(line: bytes) -> str:
    link = parse_link(line)
    assert link is not None
    return link.hash


def found_in(lines: list[bytes], only: str | None = None) -> list[tuple[str, Fault, int]]:
    verification = Verification(KEY)
    for line in lines:
        verification.add(line)
    return [
        (one.writer, one.fault, one.seq)
        for _, all_of in verification.finish({}, only=only).values()
        for one in all_of
    ]


def test_several_writers_mixed() -> None:
    lines = [*chain(5, "w1"), *chain(7, "w2")]
    random.Random(1).shuffle(lines)  # noqa: S311 - an order, not a secret
    assert found_in(lines) == []
    assert found_in(edited(chain(10, "w1")) + chain(3, "w2")) == [("w1", Fault.EDITED, 5)]


def test_heads_that_a_heartbeat_names_must_be_there() -> None:
    other = chain(4, "w2")
    first = chain(1, "w1")
    heartbeat, _ = beat(
        2, head_of(first[0]), "w1", [("w1", 1, head_of(first[0])), ("w2", 4, head_of(other[3]))]
    )
    assert found_in([*first, heartbeat, *other]) == []
    assert found_in([*first, heartbeat, *other[:3]]) == [("w2", Fault.CUT_TAIL, 3)], "a tail"
    assert found_in([*first, heartbeat]) == [("w2", Fault.CUT_TAIL, 4)], "a chain that vanished whole"
    assert found_in([*first, heartbeat], only="w1") == [], "these are one writer's lines"
    forged = [*other[:3], seal(b'{"n":0}', "w2", 4, head_of(other[2]), KEY)[0]]
    assert found_in([*first, heartbeat, *forged]) == [("w2", Fault.REPLACED, 4)], "a last record resealed"


def test_a_forged_heartbeat_claims_nothing() -> None:
    heartbeat, _ = beat(2, head_of(chain(1)[0]), "w1", [("w9", 9, "a" * 64)])
    forged = heartbeat.replace(b'"w9"', b'"w8"')
    assert found_in([*chain(1), forged]) == [("w1", Fault.EDITED, 2)]


@pytest.mark.parametrize("event", ["dead_letter", "audit_backfill"])
def test_what_the_shipper_adds_is_outside_of_the_chain(event: str) -> None:
    verification = Verification(KEY)
    verification.add(json.dumps({"event": event, "writer": "w1", "seq": 3}).encode())
    assert (verification.unsealed, verification.finish({})) == (1, {})
    verification.add(b'{"event":"egress"}')
    assert [finding.fault for finding in verification.finish({})[""][1]] == [Fault.UNREADABLE]


def test_a_long_chain_in_any_order_is_whole() -> None:
    lines = chain(PAGE * 2 + 10)
    assert verify(lines[::-1], KEY) == []
    assert [(one.fault, one.seq) for one in verify(lines[: PAGE - 1] + lines[PAGE:], KEY)] == [
        (Fault.GAP, PAGE + 1)
    ]


def test_a_number_beyond_all_bounds_costs_nothing() -> None:
    forged = chain(1)[0].replace(b'"seq":1,', b'"seq":9000000000000000000,')
    assert [(one.fault) for one in verify([*chain(2), forged], KEY)] == [Fault.EDITED, Fault.GAP]
