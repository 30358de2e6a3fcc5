"""deploy/README.md says what is there: forty points, each with a place and a proof that exist; costs as computed."""

import json
import re
import subprocess
import sys

import pytest

from guard.deployment import ROOT, read_templates

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "README.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if re.match(r"\| \d+ \|", line)
]
PRICES = json.loads((DEPLOY / "prices.json").read_text(encoding="utf-8"))


def paths(text: str) -> list[str]:
    """What is named in backquotes and looks like a file of the repository."""
    return [one for one in re.findall(r"`([^` ]+)`", text) if re.search(r"/|\.(py|json|yaml|md|timer)$", one)]


def test_every_point_has_one_row() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 41))
    assert all(len(row) == 4 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_exists(row: list[str]) -> None:
    for name in paths(row[2]) + paths(row[3]):
        assert (DEPLOY / name).exists() or (ROOT / name).exists(), name


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`s3gate ([a-z-]+(?: [a-z][a-z-]+)*)", TEXT))))
def test_commands_exist(command: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "s3gate", *command.split(), "--help"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_proven_or_says_that_it_needs_aws(row: list[str]) -> None:
    proofs = [name for name in paths(row[3]) if name.startswith("tests/")]
    assert proofs or "needs AWS" in row[3]


def test_resources_and_parameters_that_are_named_are_there() -> None:
    known = {
        name
        for one in read_templates().values()
        for part in ("Parameters", "Resources")
        for name in one[part]
    }
    named = {
        one
        for row in ROWS
        for inside in re.findall(r"\(((?:`[A-Z][A-Za-z0-9]+`(?:, )?)+)\)", row[2])
        for one in re.findall(r"`([A-Za-z0-9]+)`", inside)
    }
    assert len(named) > 5
    assert named <= known


def test_every_other_file_it_names_exists() -> None:
    for name in set(paths(TEXT)) | set(re.findall(r"\]\(([^)#]+)\)", TEXT)):
        assert (DEPLOY / name).exists() or (ROOT / name).exists(), name


def test_the_costs_are_the_computed_ones() -> None:
    ran = subprocess.run(
        [sys.executable, DEPLOY / "costs.py"], capture_output=True, text=True, check=True, timeout=60
    )
    between = TEXT.split("<!-- costs -->\n")[1].split("<!-- end of costs -->")[0]
    assert between == ran.stdout, "put the output of deploy/costs.py between the marks"


def test_a_price_that_was_not_seen_is_marked() -> None:
    unseen = {name for name, one in PRICES["prices"].items() if one["seen"] is None}
    assert "instance_h" in unseen
    between = TEXT.split("<!-- costs -->")[1].split("<!-- end of costs -->")[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in between.splitlines()}
    assert rows["s3gate, as deployed here"].count("?") == 2
    assert rows["Network Firewall with TLS inspection"].count("?") == 2


def test_prices_are_numbers_with_what_they_are_of() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", PRICES["read"])
    for one in PRICES["prices"].values():
        assert set(one) == {"usd", "of", "seen"}
        assert 0 < one["usd"] < 10
