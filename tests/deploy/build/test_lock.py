"""The lock, read: pins, markers and hashes, or a line that says what is wrong."""

from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from release.lock import LockError, Pin, parse_lock, render_requirements

ROOT = Path(__file__).resolve().parents[3]
A, B = "a" * 64, "b" * 64
TEXT = f"one==1.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\nTwo_x==2 ; sys_platform == 'win32' \\\n    --hash=sha256:{A}\n"


def test_pins_have_names_versions_markers_and_hashes() -> None:
    one, two = parse_lock(TEXT)
    assert one == Pin(canonicalize_name("one"), "1.0", None, frozenset({A, B}))
    assert two == Pin(canonicalize_name("two-x"), "2", "sys_platform == 'win32'", frozenset({A}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("one==1.0\n", "no hash for one"),
        (f"    --hash=sha256:{A}\n", "line 1 is neither"),
        ("one>=1.0 \\\n", "line 1 is neither"),
        ("--index-url https://elsewhere/\n", "line 1 is neither"),
        (f"one==1 \\\n    --hash=md5:{A}\n", "line 2 is neither"),
        ("one @ https://elsewhere/one.whl\n", "line 1 is neither"),
    ],
)
def test_what_is_no_lock_is_told(text: str, why: str) -> None:
    with pytest.raises(LockError, match=why):
        parse_lock(text)


@pytest.mark.parametrize(
    ("marker", "python", "machine", "wanted"),
    [
        ("sys_platform == 'linux'", "3.13", "aarch64", True),
        ("sys_platform == 'win32'", "3.13", "x86_64", False),
        ("os_name == 'nt'", "3.13", "x86_64", False),
        ("python_full_version < '3.13'", "3.12", "x86_64", True),
        ("python_full_version < '3.13'", "3.13", "x86_64", False),
        ("platform_machine == 'aarch64'", "3.13", "aarch64", True),
        ("implementation_name != 'PyPy'", "3.13", "aarch64", True),
    ],
)
def test_a_marker_is_judged_for_the_target_and_not_for_this_machine(
    marker: str, python: str, machine: str, wanted: bool
) -> None:
    (pin,) = parse_lock(f"one==1 ; {marker} \\\n    --hash=sha256:{A}\n")
    assert pin.is_wanted(python, machine) is wanted


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_real_lock_is_read_whole(version: str) -> None:
    text = (ROOT / "deploy" / "development" / "locks" / f"release-{version}.txt").read_text()
    pins = parse_lock(text)
    assert len(pins) == text.count("==") - text.count("== '") > 50
    assert {"mitmproxy-windows", "pydivert"}.isdisjoint(
        pin.name for pin in pins if pin.is_wanted(version, "aarch64")
    )
    assert set(parse_lock(render_requirements(pins))) == set(pins)
