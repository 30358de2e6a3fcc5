"""The other side of every attack: what honest clients send is served, byte for byte, by the same policy."""

from pathlib import Path

import pytest

from bypass.attack import Attack, load
from bypass.by_decision import judge
from bypass.ground import NOW, POLICY, S3_NAMES, run_ground
from bypass.test_over_sockets import play
from s3gate.policy.document import parse_policy

CLIENTS = Path(__file__).with_name("honest") / "clients.json"


def is_served_here(row: Attack) -> bool:
    """Whether the fake S3 has a certificate for the name: one label before the service, or none."""
    bucket, _, service = (row.connect or "").removesuffix(":443").partition(".")
    return f"*.{service}" in S3_NAMES or f"{bucket}.{service}" in S3_NAMES


def test_the_verdict_allows() -> None:
    policy = parse_policy(POLICY.read_bytes())
    rows = list(load(CLIENTS))
    found = {row.name: judge(policy, row, NOW).reason.value for row in rows}
    assert found == {row.name: row.judged for row in rows}
    assert all(reason.startswith("ALLOWED") for reason in found.values())
    assert len(found) == len(rows)


@pytest.mark.e2e
async def test_it_reaches_s3_over_the_wire(tmp_path: Path) -> None:
    problems = {}
    rows = [row for row in load(CLIENTS) if is_served_here(row)]
    async with run_ground(tmp_path) as ground:
        for row in rows:
            if problem := await play(ground, row):
                problems[row.name] = problem
    assert not problems
    assert len(rows) > 80  # the other names are judged above
