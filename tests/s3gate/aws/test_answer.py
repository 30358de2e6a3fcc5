"""What the two processes say to each other comes back as it was said, and nothing else is taken."""

import pytest

from s3gate.aws.answer import parse_answer, parse_order, render_answer, render_order
from s3gate.policy.source import Remote, Scheme, SourceText, SourceUnreachable

PLACE = Remote(Scheme.S3, ("bucket", "a/key"))


@pytest.mark.parametrize(
    "found",
    [None, SourceText(b"\x00\xff\n", '"etag"'), SourceText(b"a", "1", b"cases")],
    ids=["same", "text", "cases"],
)
def test_an_answer_comes_back(found: SourceText | None) -> None:
    line = render_answer(found)
    assert line.count(b"\n") == 1
    assert parse_answer(line) == found


def test_a_failure_is_an_answer() -> None:
    with pytest.raises(SourceUnreachable, match="it is gone"):
        parse_answer(render_answer(SourceUnreachable("it is gone")))


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"data": 1}', b"\xff"])
def test_what_is_no_answer_is_unreachable(line: bytes) -> None:
    with pytest.raises(SourceUnreachable, match="gave no answer"):
        parse_answer(line)


def test_an_order_comes_back() -> None:
    assert parse_order(render_order(PLACE, "eu-west-1")) == (PLACE, "eu-west-1", True)
    assert parse_order(render_order(PLACE, None, cases=False)) == (PLACE, None, False)
