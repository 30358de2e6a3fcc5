"""The house rules that a machine can see: arrows go down, pure stays pure, every file has its test."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "addons" / "s3gate"
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

# Which rooms a room may import; itself and the standard library always.
ARROWS = {
    "s3": set(),
    "policy": {"s3"},
    "audit": {"policy", "s3"},
    "proxy": {"policy", "s3"},
    "alarms": set(),
    "aws": {"policy", "s3"},
    "canary": {"alarms"},
    "replay": {"policy", "s3"},
    "squid": {"s3"},
    "suggest": {"policy", "replay", "s3"},
    "demo": {"alarms", "audit", "proxy"},
    "doctor": {"audit", "canary", "loading", "policy", "policy_keeper", "proxy", "s3", "settings", "source"},
    "interrupts": set(),
    "descriptors": set(),
    "regular_file": set(),
    "rest": set(),
    "worker": {"health"},
    "source": {"aws", "policy", "regular_file"},
    "control": set(),
    "policy_keeper": {"loading", "policy", "settings", "source"},
    "in_force": {"audit", "loading", "policy", "policy_keeper"},
    "policy_files": {"in_force", "loading", "policy_keeper"},
    "policy_desk": {"control", "health", "loading", "policy_keeper"},
    "supervisor": {"health", "interrupts", "rest", "worker"},
    "loading": {"policy"},
    "delivery": {"audit", "settings"},
    "pages": {"health", "loading", "settings"},
    "users_watch": {"proxy", "settings"},
    "fleet": {
        "delivery",
        "loading",
        "app",
        "audit",
        "health",
        "pages",
        "policy",
        "proxy",
        "settings",
        "supervisor",
        "worker",
        "in_force",
        "policy_desk",
        "policy_files",
        "policy_keeper",
    },
    "cli": {
        "loading",
        "pages",
        "opening",
        "alarms",
        "app",
        "audit",
        "aws",
        "canary",
        "control",
        "descriptors",
        "demo",
        "doctor",
        "fleet",
        "policy_keeper",
        "source",
        "policy",
        "proxy",
        "replay",
        "s3",
        "settings",
        "squid",
        "suggest",
    },
    "__main__": {"cli"},
    "settings": {"policy", "regular_file", "s3"},
    "health": set(),
    "opening": {"audit", "in_force", "loading", "policy", "proxy", "settings", "source"},
    "recorder": {"audit", "health", "policy", "proxy"},
    "app": {
        "in_force",
        "policy_desk",
        "policy_keeper",
        "delivery",
        "loading",
        "opening",
        "audit",
        "health",
        "pages",
        "policy",
        "proxy",
        "recorder",
        "s3",
        "settings",
        "users_watch",
    },
}
PURE = (
    "s3/",
    "policy/",
    "audit/record.py",
    "audit/chain.py",
    "audit/redaction.py",
    "alarms/pattern.py",
    "aws/export/",
)
IMPURE = {
    "asyncio", "boto3", "botocore", "http", "mitmproxy", "os", "pathlib", "random", "secrets", "shutil",
    "socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "watchtower",
}  # fmt: skip
# Data and re-exports: nothing in them decides.
WITHOUT_TESTS = {"__init__.py"}


def imports_of(path: Path) -> set[str]:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_arrows_go_down(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    reached = {name.split(".")[1] for name in imports_of(path) if name.startswith("s3gate.")}
    reached -= {room, "__version__"}
    assert reached <= ARROWS[room], f"{path} reaches up or sideways: {sorted(reached - ARROWS[room])}"


@pytest.mark.parametrize("path", [p for p in SOURCES if str(p).startswith(PURE)], ids=str)
def test_pure_files_touch_nothing(path: Path) -> None:
    found = {name for name in imports_of(path) if name in IMPURE or name.split(".")[0] in IMPURE - {"http"}}
    assert not found, f"{path} is pure and may not import {sorted(found)}"
    calls = [
        node.func.id
        for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert "open" not in calls, f"{path} is pure and may not open files"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_mitmproxy_lives_in_one_room(path: Path) -> None:
    if room_of(path) != "proxy":
        assert not any(name.split(".")[0] == "mitmproxy" for name in imports_of(path))


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name not in WITHOUT_TESTS], ids=str)
def test_every_source_file_has_its_test_file(path: Path) -> None:
    test = ROOT / "tests" / "s3gate" / path.parent / f"test_{path.name}"
    assert test.is_file(), f"{path} has no {test.relative_to(ROOT)}"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
