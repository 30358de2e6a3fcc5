"""Fixtures of the end-to-end tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.rig import Rig, run_rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """The gate with the usual policy."""
    async with run_rig(tmp_path) as running:
        yield running
