"""A sealed line carries its place, and nothing that a client sent is taken for it."""

from hypothesis import given
from hypothesis import strategies as st

from s3gate.audit.chain import GENESIS, is_sealed, parse_link, seal

KEY = b"k" * 32


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
