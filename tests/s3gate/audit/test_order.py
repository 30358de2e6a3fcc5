"""Order and status survive the pipe, and anything else is refused."""

import pytest

from s3gate.audit.order import Order, parse_status, render_status
from s3gate.audit.shipper import ShipperHealth, SinkHealth

ORDER = Order("/a", "eu-west-1", "/g", None, 100)
HEALTH = ShipperHealth(3, 0.5, 2, SinkHealth(1, 0, "E"), None)


def test_they_survive_the_pipe() -> None:
    assert Order.from_line(ORDER.to_line()) == ORDER
    assert parse_status(render_status([("w1", HEALTH)])) == {"w1": HEALTH}


@pytest.mark.parametrize(
    "line", [b"", b"x", b"{}", b"[]", b'{"directory": "/a"}', b'{"directory": "/a", "x": 1}']
)
def test_no_order(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own text or ours
        Order.from_line(line)


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b'{"w1": {}}', b'{"w1": {"sink": {"x": 1}}}', b'{"w1": 3}']
)
def test_no_status(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own text or ours
        parse_status(line)
