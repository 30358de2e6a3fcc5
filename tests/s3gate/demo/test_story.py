"""The checks of the story are not vacuous: a gate that lets more through fails them."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from s3gate.demo.story import STEPS, tell
from s3gate.demo.telling import WIDTH, Teller
from s3gate.demo.world import OTHER_BUCKET, POLICY, World

pytestmark = pytest.mark.e2e

OPEN_POLICY = POLICY + f"  - id: other\n    bucket: {OTHER_BUCKET}\n    allow: [write]\n"


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, OPEN_POLICY) as world:
        yield world


def test_a_policy_that_lists_the_other_bucket_fails_the_story(open_world: World) -> None:
    teller = Teller(Console(file=io.StringIO(), width=WIDTH))
    tell(open_world, teller)
    failed = "\n".join(teller.failed)
    for sentence in (
        "step 3: refused: BUCKET_NOT_LISTED",
        "step 3: the other bucket is still empty",
        "step 4: refused: BUCKET_NOT_LISTED",
        "step 6: only the listed name was resolved and dialled",
        "step 7: every request is there, with its reason",
        "step 9: the three refusals were counted, nothing else",
    ):
        assert sentence in failed
    for sentence in ("step 1", "step 2", "step 5: refused", "step 8"):
        assert sentence not in failed


def test_a_step_that_breaks_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def breaks(_: World, __: Teller) -> None:
        raise OSError("gone")

    def goes_on(_: World, __: Teller) -> None:
        ran.append("on")

    monkeypatch.setattr("s3gate.demo.story.STEPS", (breaks, goes_on))
    world = World(tmp_path)
    world.aws = type("Person", (), {"directory": tmp_path})()
    console = Console(file=io.StringIO(), width=WIDTH)
    teller = Teller(console)
    tell(world, teller)
    assert (ran, teller.failed) == (["on"], ["step 0: the step runs to its end"])
    assert len(STEPS) == 9
