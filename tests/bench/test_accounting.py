"""The account is the kernel's: CPU and memory of a process and of its children, and it is stopped by its id."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.cost import accounting
from bench.cost.accounting import Account, Usage, cpu_s_of, read_usage, render_usage, stop

# Burns CPU, holds 64 MiB for a moment, has a child; then says so and waits for its end.
WORK = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
until = time.process_time() + 0.2
while time.process_time() < until: pass
held = b"x" * (64 << 20); del held
print("done", flush=True)
for line in sys.stdin:
    held = b"x" * (32 << 20); print("held", flush=True)
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    made = subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "done\n"
    yield made
    stop(made)
    assert made.stdin is not None
    made.stdin.close()
    made.stdout.close()


def test_cpu_and_children(process: subprocess.Popen[str]) -> None:
    account = Account(process.pid)
    assert len(account.processes()) == 2
    assert account.workers() == account.processes()[1:]
    assert 0.2 <= account.cpu_s() < 10
    assert cpu_s_of(process.pid) <= account.cpu_s()


def test_a_peak_is_what_came_after_the_reset(process: subprocess.Popen[str]) -> None:
    account = Account(process.pid)
    before, resident = account.peak(), account.resident()
    assert before > resident + (48 << 20)
    account.reset_peak()
    assert account.peak() < before - (48 << 20)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n"
    assert account.peak() > resident + (24 << 20)


def test_who_is_gone_has_used_nothing_more() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert Account(process.pid).cpu_s() == 0
    assert Account(process.pid).resident() == 0


def test_who_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounting, "STOP_S", 0.1)
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stop(process)
        assert process.returncode == -9


def test_who_else_used_the_machine_is_told() -> None:
    before, after = Usage(100, 10, 50, 20), Usage(160, 15, 85, 50)  # 30 ours, 30 others', 5 stolen, 35 idle
    told = render_usage(before, after)
    assert told.endswith("everything it started took 30%, other processes 30%, the hypervisor 5%")


def test_usage_grows() -> None:
    before = read_usage()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.2: pass"], check=True)
    after = read_usage()
    assert after.ours - before.ours >= 0.2
    assert after.busy + after.idle + after.stolen > before.busy + before.idle + before.stolen
