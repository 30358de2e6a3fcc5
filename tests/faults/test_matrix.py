"""Every row of the fault matrix in its quick form: nothing is lost, and the end comes soon."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.matrix import DELIVERY, JOURNAL, QUICK, Outcome, Row, Scale, run_ours
from s3gate.audit.keeper import PACKAGE_ROOT

ENDS_WITHIN_S = 5.0


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE_ROOT))


@pytest.mark.parametrize("row", DELIVERY.values(), ids=DELIVERY)
def test_delivery_loses_nothing(row: Row, tmp_path: Path) -> None:
    outcome = run_ours(row, QUICK, tmp_path)
    assert outcome.lost == 0
    assert outcome.sent + outcome.refused == QUICK.records
    assert outcome.refused <= 1
    assert outcome.end_s < ENDS_WITHIN_S


@pytest.mark.parametrize("run", JOURNAL.values(), ids=JOURNAL)
def test_the_journal_loses_nothing(run: Callable[[Scale, Path], Outcome], tmp_path: Path) -> None:
    outcome = run(QUICK, tmp_path)
    assert outcome.sent > 0
    assert outcome.lost == 0
