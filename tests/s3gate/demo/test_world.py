"""The whole world, as the demo and the tests use it."""

import os
from pathlib import Path

import pytest

from s3gate.demo.gate import GateError
from s3gate.demo.world import LISTED_BUCKET, OTHER_BUCKET, World, host_of

pytestmark = pytest.mark.e2e


def test_it_starts_and_stops_whole(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        pids = [world.emulator.pid, world.gate.pid]
        assert world.keys_in(LISTED_BUCKET) == world.keys_in(OTHER_BUCKET) == []
        assert world.client_variables["HTTPS_PROXY"] == world.gate.url
        assert not world.gate.wait_ended(0)
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_was_started_is_stopped_when_the_gate_does_not_start(tmp_path: Path) -> None:
    world = World(tmp_path, "version: 2\n")
    with pytest.raises(GateError):
        world.__enter__()
    assert world.emulator.pid is None


def test_a_name_in_the_region() -> None:
    assert host_of("b") == "b.s3.ap-northeast-1.amazonaws.com"
