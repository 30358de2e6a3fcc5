"""What is missing is named before anything is measured, and what is started is stopped, whatever happens."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import NEEDS, main, missing, parsed
from bench.cost.measure import FULL, QUICK, STEPS, Bench, Results
from bench.cost.origin import Origin, listing, write_files
from bench.cost.proxies import Proxy
from bench.cost.rows import GROUPS
from bench.cost.samples import CROWDS, FailedError

TESTS = Path(__file__).parent.parent


def test_every_missing_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--out", str(tmp_path / "out")]) == 3
    told = capsys.readouterr().err.splitlines()
    for program, package in {**NEEDS, "squid": "squid-openssl"}.items():
        assert any(program in line and line.endswith(f"apt-get install {package}") for line in told), program
    assert not (tmp_path / "out").exists()


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert any("port 443" in line for line in missing())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--rows", "requests,frogs"], "no rows `frogs`"), (["--repeats", "0"], "`0` repeats measure nothing")],
)
def test_wrong_arguments_are_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_rows_and_scale_are_chosen() -> None:
    options = parsed(["--rows", "memory,sync"])
    assert options.groups == {"memory", "sync"}
    assert parsed([]).groups == set(GROUPS) == frozenset().union(*STEPS)
    assert all(getattr(QUICK, name) <= getattr(FULL, name) for name in vars(FULL))


def test_a_failed_measurement_is_a_hole_and_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(QUICK, Origin(tmp_path), tmp_path, Results())
    proxy = Proxy("Squid", None, tmp_path, None)

    def sample(_proxy: Proxy, value: float) -> dict[str, float]:
        if value < 0:
            raise FailedError("curl ended with 52")
        return {"put_cpu_s_per_gib": value}

    for value in (2.5, -1.0, 2.7):
        bench.take("transfers", proxy, sample, value)
    assert dict(bench.results.values["put_cpu_s_per_gib"]) == {"Squid": [2.5, 2.7]}
    assert bench.results.notes == ["transfers, Squid: not measured: curl ended with 52"]
    assert capsys.readouterr().err.count("transfers: Squid") == 3


def test_refused_crowds_are_not_downloads() -> None:
    assert all(kind.method == "PUT" for kind in CROWDS if kind.refused)
    assert [kind.row for kind in CROWDS if kind.may_be_whole] == ["crowd_get_big_mib"]


def test_the_origin_has_what_the_clients_ask_for(tmp_path: Path) -> None:
    origin = write_files(tmp_path, 3, 2, 5000)
    assert origin.big.stat().st_size == 5000
    assert (tmp_path / "files" / "many.xml").read_text().count("<Key>many/") == 3
    assert "<KeyCount>0</KeyCount>" in listing("none/", 0, 0)
    (tmp_path / "files" / "up" / "a").write_bytes(b"abc")
    assert (origin.clear_uploads(), list((tmp_path / "files" / "up").iterdir())) == (3, [])


STARTED = """
import signal, subprocess, sys
import bench.__main__ as program

def run(options):
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        print(child.pid, flush=True)
        signal.pause()
    finally:
        program_stop(child)

from bench.cost.accounting import stop as program_stop
program.run = run
program.missing = list
sys.exit(program.main([]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_what_was_started(number: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTED]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        child = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(20) == 130
        assert "everything that was started has ended" in process.stderr.read()
    assert not Path(f"/proc/{child}").exists()
