"""What a running proxy has used: the kernel's account of a process and of its children.

CPU time is what `/proc/PID/stat` has, user and system, children that ended included; memory is what is
resident, and its peak since the last `reset_peak`.
"""

import contextlib
import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

STOP_S = 20.0  # seconds a process may take to end after SIGTERM; then it is killed


@dataclass(frozen=True)
class Account:
    """A process and its descendants.

    Args:
        pid: of the first one.
    """

    pid: int

    def processes(self) -> list[int]:
        """The process and its descendants, as they are now."""
        found = [self.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def workers(self) -> list[int]:
        """Its children, or itself when it has none."""
        return self.processes()[1:] or [self.pid]

    def cpu_s(self) -> float:
        """CPU seconds so far, in steps of 10 ms."""
        return sum(cpu_s_of(pid) for pid in self.processes())

    def resident(self) -> int:
        """Bytes resident now."""
        return sum(_status(pid, "VmRSS") for pid in self.processes())

    def reset_peak(self) -> None:
        """Forget the peak: it starts at what is resident now (proc(5), clear_refs, 5)."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Most bytes resident since the last reset, of each process at its own moment."""
        return sum(_status(pid, "VmHWM") for pid in self.processes())


def cpu_s_of(pid: int) -> float:
    """CPU seconds of one process and its ended children; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _status(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """SIGTERM, and SIGKILL when it has not ended after `STOP_S`."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)


@dataclass(frozen=True)
class Usage:
    """CPU seconds of the whole machine and of this process with its ended children, at one moment.

    Args:
        busy: of all processes.
        stolen: by the hypervisor.
        idle: of nobody.
        ours: of this process and its ended children.
    """

    busy: float
    stolen: float
    idle: float
    ours: float


def read_usage() -> Usage:
    """What it is now (proc(5), /proc/stat)."""
    fields = [int(field) / os.sysconf("SC_CLK_TCK") for field in Path("/proc/stat").read_text().split()[1:9]]
    user, nice, system, idle, waiting, irq, softirq, stolen = fields
    return Usage(user + nice + system + irq + softirq, stolen, idle + waiting, _cpu_s())


def _cpu_s() -> float:
    """CPU seconds of this process and its ended children, not in whole ticks as os.times() (getrusage(2))."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def render_usage(before: Usage, after: Usage) -> str:
    """Who else used the machine between the two, as a sentence."""
    ours, stolen = after.ours - before.ours, after.stolen - before.stolen
    others = max(0.0, after.busy - before.busy - ours)
    whole = ours + others + stolen + after.idle - before.idle
    return (
        f"of the machine's CPU time the bench with everything it started took {ours / whole:.0%}, "
        f"other processes {others / whole:.0%}, the hypervisor {stolen / whole:.0%}"
    )
