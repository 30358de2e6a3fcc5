"""No variable and no file of this machine says which way its clients go."""

from pathlib import Path

import pytest

from bare_environment import make_bare


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_bare(monkeypatch, tmp_path)
