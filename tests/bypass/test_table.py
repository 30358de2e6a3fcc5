"""What `make bypass` prints: a line a class, a column a proxy, and the rows when they are asked for."""

from bypass.attack import load_all
from bypass.table import render

FRONTING = [one for one in load_all() if one.name == "connect good sni good host evil"]


def test_a_line_a_class() -> None:
    table = render({"s3gate": set(), "Squid dstdomain": set(FRONTING)}, rows=True)
    (line,) = [one.split() for one in table.splitlines() if one.startswith("fronting")]
    assert line[2:] == ["0", "1"]
    assert table.endswith("Squid dstdomain: fronting: connect good sni good host evil")
