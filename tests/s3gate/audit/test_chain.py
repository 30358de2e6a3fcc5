"""Whatever is done to a sealed line or to the order of lines is found and named by its number."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.chain import GENESIS, Extent, Fault, is_sealed, parse_link, seal, verify

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


@given(st.binary(max_size=400))
def test_any_bytes_are_a_link_or_none(line: bytes) -> None:
    link = parse_link(line)
    assert link is None or not is_sealed(line, link, KEY)


def test_a_forged_tail_inside_a_value_is_not_the_link() -> None:
    forged = b'{"key":"\\",\\"seq\\":9"}'
    line, digest = seal(forged, "w1", 3, GENESIS, KEY)
    link = parse_link(line)
    assert link is not None
    assert (link.seq, link.hash) == (3, digest)
    assert parse_link(line + b"\n") is None
