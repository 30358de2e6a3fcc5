"""The page holds the numbers, no script, and nothing from elsewhere."""

import re

from audit_records import traffic
from s3gate.audit.page import name_most, render_page
from s3gate.audit.summary import Summary


def page(storm: int = 300) -> str:
    summary = Summary()
    for record in traffic(storm):
        summary.add(record)
    return render_page(summary, 'a "journal" <x>')


def test_numbers_and_names() -> None:
    text = page()
    assert '<b data-fact="refused">302</b>' in text
    assert "b-0, b-1, b-2 and 297 others" in text
    assert "more than 997 others" in page(storm=2000)
    assert ">10,000</td>" in text


def test_it_is_self_contained_and_inert() -> None:
    text = page()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.search(r"(?:\bsrc=|href=|url\()", text)
    assert "default-src 'none'" in text
    assert "<title>s3gate: a &quot;journal&quot; &lt;x&gt;</title>" in text


def test_an_empty_trail_is_a_page_too() -> None:
    text = render_page(Summary(), "none")
    assert text.count("<p>nothing</p>") == 6


def test_the_most_frequent_come_first() -> None:
    assert name_most({"a": 1, "b": 9, "c": 2, "d": 1}) == "b, c, a …"
