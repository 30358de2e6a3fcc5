"""The report's page in a real browser: it lays out on a phone, and its numbers are the journal's."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit_records import traffic, write_journal
from s3gate.audit.reader import read_records
from s3gate.cli.audit.report import report_command

pytestmark = [pytest.mark.e2e, pytest.mark.needs_program("chromium")]

PATIENCE_S = 60.0


def browse(directory: Path, page: Path, *arguments: str) -> str:
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--proxy-server=127.0.0.1:9", f"--user-data-dir={directory / 'profile'}",
        *arguments, page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout


def test_its_numbers_are_the_journals(tmp_path: Path) -> None:
    journal = write_journal(tmp_path / "audit", traffic(storm=500))
    page = tmp_path / "report.html"
    assert CliRunner().invoke(report_command, [str(journal), "--html", str(page)]).exit_code == 0
    shown = browse(tmp_path, page, "--dump-dom")
    records = list(read_records(journal))
    denied = [one for one in records if one.get("decision") == "deny"]
    facts = dict(re.findall(r'data-fact="([a-z ]+)">([0-9,]+)<', shown))
    assert facts["refused"].replace(",", "") == str(len(denied))
    rows = re.findall(r"<tr>(<td.*?)</tr>", shown.partition('id="refusals"')[2].partition("</table>")[0])
    counts = [int(re.findall(r'<td class="n">([0-9,]+)</td>', row)[0].replace(",", "")) for row in rows]
    assert sum(counts) == len(denied)
    up = sum(
        json.loads(json.dumps(one))["transfer"]["bytes_up"] for one in records if one["event"] == "completion"
    )
    assert f">{up:,}</td>" in shown
    assert "<script" not in shown
    titles = [int(number) for number in re.findall(r"UTC: ([0-9]+) [A-Z_]+</title>", shown)]
    assert sum(titles) == len(denied), "the chart over time shows every refusal"


@pytest.mark.parametrize(("name", "width", "height"), [("phone", 500, 3000), ("desk", 1280, 3000)])
def test_it_is_drawn(tmp_path: Path, name: str, width: int, height: int) -> None:
    journal = write_journal(tmp_path / "audit", traffic())
    page, picture = tmp_path / "report.html", tmp_path / f"{name}.png"
    assert CliRunner().invoke(report_command, [str(journal), "--html", str(page)]).exit_code == 0
    browse(tmp_path, page, f"--window-size={width},{height}", f"--screenshot={picture}")
    drawn = picture.read_bytes()
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) > 20_000, "more than an empty page"
    paper = tmp_path / "report.pdf"
    browse(tmp_path, page, f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
