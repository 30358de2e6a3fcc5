"""One process at a time holds the claim, and it ends with its descriptor."""

import os
from pathlib import Path

import pytest

from s3gate.audit.claim import take_claim


def test_it_is_held_until_it_is_let_go(tmp_path: Path) -> None:
    held = take_claim(tmp_path)
    assert held is not None
    assert take_claim(tmp_path) is None
    os.close(held)
    again = take_claim(tmp_path)
    assert again is not None
    os.close(again)


def test_a_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take_claim(tmp_path / "gone")
