"""The IAM evaluator's environment: pinned by hash, no registry named, and a sentence when Node.js is missing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / "deploy" / "development" / "evaluator"
SCRIPT = HOME.parent / "evaluator.sh"


def test_every_package_is_pinned_by_its_hash_and_by_no_address() -> None:
    lock = json.loads((HOME / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert "node_modules/@cloud-copilot/iam-simulate" in packages
    for name, one in packages.items():
        assert one["integrity"].startswith("sha512-"), name
        assert one["dev"], name
        assert "resolved" not in one, name
    assert "http" not in (HOME / "package-lock.json").read_text()


def test_the_lock_is_of_the_package_file() -> None:
    wanted = json.loads((HOME / "package.json").read_text())
    locked = json.loads((HOME / "package-lock.json").read_text())["packages"]
    assert locked[""]["devDependencies"] == wanted["devDependencies"]
    for name, version in wanted["devDependencies"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert wanted["private"] is True


def test_the_licence_is_told_beside_the_lock() -> None:
    notice = (HOME / "NOTICE.md").read_text()
    assert "AGPL-3.0-or-later" in notice
    assert "Nothing of s3gate imports it" in notice


def run(directory: Path, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The script with nothing but these programs, and what it uses itself, on PATH."""
    tools = directory / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "tr", "git", "cat"):
        found = next(place for place in ("/bin", "/usr/bin") if (Path(place) / name).exists())
        (tools / name).symlink_to(f"{found}/{name}")
    for name, text in programs.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", SCRIPT], env={"PATH": str(tools), "HOME": os.environ.get("HOME", "/")}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        pytest.param({}, "found no `node` on PATH", id="no node"),
        pytest.param({"node": "#!/bin/sh\necho v20.1.0\n"}, "found no `npm` on PATH", id="no npm"),
        pytest.param(
            {"node": "#!/bin/sh\necho v16.20.2\n", "npm": "#!/bin/sh\n"}, "`node` is v16.20.2", id="an old node"
        ),
        pytest.param({"node": "#!/bin/sh\necho what\n", "npm": "#!/bin/sh\n"}, "`node` is what", id="no version"),
    ],
)  # fmt: skip
def test_without_node_one_sentence_says_what_to_install(
    tmp_path: Path, programs: dict[str, str], why: str
) -> None:
    ran = run(tmp_path, programs)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.count("\n") == 1
    assert why in ran.stderr
    assert "apt-get install nodejs npm" in ran.stderr
