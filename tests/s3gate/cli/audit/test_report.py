"""`s3gate audit report` as a person runs it, and how fast."""

import itertools
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit_records import decision, traffic, write_journal
from s3gate.cli.audit.report import parse_span, report_command
from s3gate.policy.decision import Reason


def run(*arguments: object) -> Result:
    return CliRunner().invoke(report_command, [str(one) for one in arguments])


def test_lines(tmp_path: Path) -> None:
    result = run(write_journal(tmp_path / "audit", traffic()))
    assert result.exit_code == 0
    assert "322 records, 302 refused, 10 allowed" in result.output
    for piece in ("10.0.0.3", "BUCKET_NOT_LISTED", "300", "b-0, b-1, b-2 and 297 others", "10,000", "good"):
        assert piece in result.output
    assert result.output.count("10.0.0.3") == 1, "a storm is one line"


def test_json_and_page_agree(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run(write_journal(tmp_path / "audit", traffic()), "--json", "--html", page)
    data = json.loads(result.output)
    assert (data["denied"], data["allowed"], data["passed"][0]["bytes_up"]) == (302, 10, 10_000)
    assert '<b data-fact="refused">302</b>' in page.read_text()


def test_since(tmp_path: Path) -> None:
    now = [decision(Reason.TIMEOUT, "b", "10.0.0.9", 1, datetime.now(UTC))]
    journal = write_journal(tmp_path / "audit", traffic(3) + now)
    old = json.loads(run(journal, "--json").output)
    new = json.loads(run(journal, "--json", "--since", "1h").output)
    assert (old["denied"], new["denied"]) == (6, 1)


@pytest.mark.parametrize("text", ["", "1", "h", "1w", "-1h", "1h\n"])
def test_no_span(text: str, tmp_path: Path) -> None:
    result = run(write_journal(tmp_path / "audit", traffic(1)), "--since", text)
    assert (result.exit_code, "is no span" in result.output) == (2, True)


def test_spans() -> None:
    assert [parse_span(text).total_seconds() for text in ("90m", "24h", "7d")] == [5400, 86_400, 604_800]


def test_what_cannot_be_is_told(tmp_path: Path) -> None:
    assert run(tmp_path / "none").exit_code == 2
    journal = write_journal(tmp_path / "audit", traffic(1))
    assert run(journal, "--html", tmp_path / "no" / "page.html").exit_code == 3


@pytest.mark.bench
def test_it_is_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A million records in under 30 s: 30,000 in under 0.9 s of its own time."""
    count = 30_000
    journal = write_journal(tmp_path / "audit", list(itertools.islice(itertools.cycle(traffic()), count)))
    began = time.process_time()
    assert run(journal, "--json").exit_code == 0
    spent = time.process_time() - began
    with capsys.disabled():
        sys.stdout.write(
            f"\naudit report: {count / spent:,.0f} records/s, a million in {spent / count * 1e6:.0f} s\n"
        )
    assert spent / count * 1e6 < 60, "twice the promise, for a busy machine"
