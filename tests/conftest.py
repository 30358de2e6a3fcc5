"""Rules for the whole run: a test is left out only for a missing Debian program, and the run says so.

A test marked `needs_program("squid")` is not run where no `squid` is on PATH. The last
lines name every such test; with `CI=true` in the environment they make the run fail. Any
other skip is a failure everywhere.
"""

import os
import shutil

import pytest
from hypothesis import settings

# No deadline: the machine is shared, and what a slow example costs is another test's matter.
settings.register_profile("s3gate", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=500)  # `make fuzz`, round after round
settings.load_profile("s3gate")

NOT_RUN = "no program on PATH: "


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out when a program it needs is missing."""
    for marker in item.iter_markers("needs_program"):
        for program in marker.args:
            if shutil.which(program) is None:
                pytest.skip(NOT_RUN + program)


def skipped(terminal: pytest.TerminalReporter) -> dict[str, str]:
    """The tests that were left out in this run, each with its reason."""
    reports = terminal.stats.get("skipped", [])
    return {report.nodeid: report.longrepr[2].removeprefix("Skipped: ") for report in reports}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left out what it may not leave out."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or hasattr(session.config, "workerinput"):
        return
    reasons = skipped(terminal).values()
    strict = os.environ.get("CI") == "true"
    if session.exitstatus == 0 and any(strict or not reason.startswith(NOT_RUN) for reason in reasons):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was not run."""
    for test, reason in sorted(skipped(terminalreporter).items()):
        terminalreporter.write_line(f"not run: {test} ({reason})", yellow=True)
