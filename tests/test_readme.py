"""What the README shows is true: its policy is valid, its commands exist and answer as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from generate import command_reference
from generate.readme import PARTS, replace_part
from s3gate.cli import COMMANDS
from s3gate.policy.document import parse_policy

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
POLICY = next(re.finditer(r"```yaml\n(.*?)```", TEXT, re.DOTALL))[1]


def test_its_policy_is_valid() -> None:
    assert {rule.id for rule in parse_policy(POLICY.encode()).rules} == {"uploads", "inbox", "old"}


def test_its_question_is_answered_with_a_denial(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    asked = re.search(r"s3gate (explain --policy policy\.yaml .*?)\n```", TEXT, re.DOTALL)
    assert asked
    words = asked[1].replace("\\\n", " ").split()
    done = subprocess.run(
        [sys.executable, "-m", "s3gate", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "BUCKET_NOT_LISTED" in done.stdout) == (1, True), done
    shown = TEXT[asked.end() :].partition("```text\n")[2].partition("```")[0].splitlines()
    assert set(shown) - {" " * 16 + "…"} <= set(done.stdout.splitlines()), done.stdout


def test_its_case_holds(tmp_path: Path) -> None:
    case = TEXT.partition("two files always give the same answer:\n\n```yaml\n")[2].partition("```")[0]
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "policy_cases.yaml").write_text(case)
    done = subprocess.run(
        [sys.executable, "-m", "s3gate", "test", "--policy", "policy.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "policy_cases.yaml: 1 case holds\n"), done


def test_its_reference_is_what_the_commands_say(tmp_path: Path) -> None:
    """In a process of its own: click keeps the help option of whoever asked a command first."""
    made = tmp_path / "README.md"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addons")}
    subprocess.run([sys.executable, command_reference.__file__, made], check=True, env=environment)
    committed = (ROOT / "addons" / "s3gate" / "cli" / "README.md").read_text(encoding="utf-8")
    assert committed == made.read_text(encoding="utf-8"), "run `make readme`"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^s3gate ([a-z-]+)", TEXT, re.MULTILINE))))
def test_its_commands_exist(command: str) -> None:
    assert command in COMMANDS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_its_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_its_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("part", PARTS)
def test_what_is_made_is_as_it_would_be_made_now(part: str) -> None:
    assert replace_part(TEXT, PARTS[part]()) == TEXT, "run `make readme`"
