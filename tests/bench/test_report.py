"""The table, the chart and the JSON of `make bench` show what was measured, and nothing else."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.cost.chart import render_chart, write_png
from bench.cost.machine import described_processors, read_version, render_machine
from bench.cost.report import render_cell, render_json, render_markdown, render_table
from bench.cost.rows import NAMES, ROWS

MACHINE = {"date": "2026-11-22", "processors": "2 vCPU, AMD EPYC", "kernel": "Linux 6.18", "Squid": "5.7"}
VALUES = {
    "get_cpu_s_per_gib": {"mitmdump": [5.0, 5.0], "Squid": [4.0, 4.2, 4.4], "s3gate": [2.0, 2.1, 2.2]},
    "connect_cpu_ms": {"Squid": [5.0], "s3gate": [6.0]},
    "sync_up_many_s": {"direct": [10.0], "Squid": [11.0], "s3gate": [11.25]},
}
EVERYTHING = {row.key: {name: [1234.5, 1299.5] for name in NAMES} for row in ROWS}


def test_the_table_has_medians_spread_and_verdict() -> None:
    lines = render_table(VALUES).splitlines()
    assert "GET                          - 5.00 ±0.00 4.20 ±0.20 2.10 ±0.10 0.50 ≤0.7 met" in lines
    assert "CONNECT + TLS + GET          -          -       5.00       6.00 1.20 ≤1 MISSED" in lines
    assert [line.strip() for line in lines if "≤1.15" in line or line.startswith(" " * 60)][
        -1
    ] == "1.02 ≤1 MISSED"


def test_the_table_fits_80_columns() -> None:
    table = render_table(EVERYTHING)
    assert max(map(len, table.splitlines())) <= 80
    assert all(f"\n{row.label} " in table for row in ROWS)


def test_a_wide_spread_does_not_run_into_the_next_cell() -> None:
    assert render_cell([8.80, 1.0, 24.58]) == "8.80 ±12"
    assert render_cell([0.54, 0.3, 3.86]) == "0.54 ±1.78"


def test_what_was_not_measured_is_not_shown() -> None:
    assert "keep-alive" not in render_table(VALUES) + render_chart(VALUES, MACHINE)
    assert "-0" not in render_table({}) + render_chart({}, MACHINE)


def test_the_markdown_is_dated_and_has_the_notes() -> None:
    text = render_markdown(VALUES, MACHINE, ["crowd: 100 clients, 3.00 GiB down"])
    assert "Measured 2026-11-22, 2 vCPU, AMD EPYC, Linux 6.18, Squid 5.7, by `make bench`." in text
    assert "- crowd: 100 clients, 3.00 GiB down" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_json_holds_every_value_and_the_verdicts() -> None:
    document = json.loads(render_json(VALUES, MACHINE, {"repeats": 3}, ["a note"]))
    first = document["rows"][0]
    assert (first["row"], first["median"]["s3gate"]) == ("get_cpu_s_per_gib", 2.1)
    assert first["values"]["Squid"] == [4.0, 4.2, 4.4]
    assert first["goals"] == [{"at_most": 0.7, "against": "Squid", "ratio": 0.5, "met": True}]
    assert (document["machine"]["Squid"], document["notes"]) == ("5.7", ["a note"])


def test_the_chart_has_a_bar_for_each_value_in_proportion() -> None:
    chart = ET.fromstring(render_chart(VALUES, MACHINE))  # noqa: S314 - our own text
    name = "{http://www.w3.org/2000/svg}"
    widths = [
        float(bar.attrib["width"]) for bar in chart.iter(f"{name}rect") if "%" not in bar.attrib["width"]
    ]
    words = [text.text for text in chart.iter(f"{name}text")]
    assert len(widths) == 5
    squid, mitmdump, ours = widths[:3]
    assert mitmdump / squid == pytest.approx(5.0 / 4.2, abs=0.01)
    assert ours / squid == pytest.approx(0.5, abs=0.01)
    assert "s3gate 2.10 (0.50x)" in words
    assert words[1] == "2026-11-22, 2 vCPU, AMD EPYC, Linux 6.18, Squid 5.7"


def test_the_chart_escapes_what_it_is_told() -> None:
    ET.fromstring(render_chart(VALUES, MACHINE | {"Squid": "<5&7>"}))  # noqa: S314 - our own text


@pytest.mark.needs_program("rsvg-convert")
def test_the_png_is_one(tmp_path: Path) -> None:
    (tmp_path / "cost.svg").write_text(render_chart(VALUES, MACHINE))
    assert write_png(tmp_path / "cost.svg", tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_without_the_converter_there_is_no_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not write_png(tmp_path / "cost.svg", tmp_path / "cost.png")
    assert shutil.which("rsvg-convert") is None


def test_the_machine_is_read_from_what_it_says_itself() -> None:
    text = "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n"
    assert described_processors(text) == "2 vCPU, AMD EPYC"
    assert read_version(["sh", "-c", "echo 'nginx version: nginx/1.22.1' >&2"], r"nginx/(\S+)") == "1.22.1"
    assert read_version(["true"], r"(\S+)") == "?"
    assert render_machine(MACHINE) == "2026-11-22, 2 vCPU, AMD EPYC, Linux 6.18, Squid 5.7"
