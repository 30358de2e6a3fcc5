"""What `make bypass` prints and writes: a line a class, a column a proxy, and the rows when they are asked for."""

from datetime import date

from bypass.attack import load_all
from bypass.table import render, render_markdown

FRONTING = [one for one in load_all() if one.name == "connect good sni good host evil"]
RESULTS = {"s3gate": set(), "Squid dstdomain": set(FRONTING)}


def test_a_line_a_class() -> None:
    table = render(RESULTS, rows=True)
    (line,) = [one.split() for one in table.splitlines() if one.startswith("fronting")]
    assert line[2:] == ["0", "1"]
    assert table.startswith("Squid dstdomain: fronting: connect good sni good host evil\n")
    assert table.splitlines()[-1].split()[-2:] == ["0", "1"]


def test_a_class_that_squid_was_not_asked() -> None:
    (line,) = [one.split() for one in render(RESULTS, rows=False).splitlines() if one.startswith("dns")]
    assert line[2:] == ["0", "-"]


def test_the_page_names_its_day_and_versions() -> None:
    page = render_markdown(RESULTS, date(2026, 11, 22), {"s3gate": "1.0", "Squid": "5.7"})
    assert "2026-11-22: s3gate 1.0, Squid 5.7;" in page
    (line,) = [one for one in page.splitlines() if one.startswith("| fronting |")]
    assert line.endswith("| 0 | 1 |")
