"""The local server of these tests, for as long as a test runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.local_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The server, running."""
    made = Server(tmp_path)
    yield made
    made.close()
