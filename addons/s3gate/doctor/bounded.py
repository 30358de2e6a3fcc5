"""A check gets its seconds and no more, whatever it hangs on; the next one runs all the same.

The normal case: it ends in milliseconds. What cannot be broken off (a look-up by the
system, a disk that does not answer, a server that sends a byte a minute) is left behind
in a thread that does not keep the program from ending.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from s3gate.doctor.finding import Finding, unknown

CHECK_S: Final = 15.0
"""Seconds for one check; each step of it (connecting, an answer) has `STEP_S`."""

STEP_S: Final = 5.0
"""Seconds for one connection or one answer: botocore waits 60, a person does not."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to try.

    Args:
        name: of it, for the case that it says nothing itself.
        tries: gives what it found.
    """

    name: str
    tries: Callable[[], Sequence[Finding]]


def run_checks(checks: Sequence[Check], seconds: float = CHECK_S) -> Iterator[Finding]:
    """Run each check, in order.

    Args:
        checks: what to try.
        seconds: for each.
    """
    for check in checks:
        yield from _run(check, seconds)


def _run(check: Check, seconds: float) -> Sequence[Finding]:
    future: Future[Sequence[Finding]] = Future()

    def work() -> None:
        try:
            future.set_result(check.tries())
        except BaseException as exc:  # noqa: BLE001 - it is raised again where the result is asked for
            future.set_exception(exc)

    threading.Thread(target=work, daemon=True, name=f"doctor: {check.name}").start()
    try:
        return future.result(seconds)
    except TimeoutError:
        told = f"nothing came of it within {seconds:g} s"
        return [unknown(check.name, told, "look at the network, or at the disk, that it hangs on")]
    except Exception as exc:  # noqa: BLE001 - a check that breaks must not hide what the others find
        told = f"the check itself failed ({type(exc).__name__})"  # not its text: that may hold anything
        return [unknown(check.name, told, "report it as a mistake of s3gate")]
