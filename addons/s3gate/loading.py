"""The policy as a start finds it: read here, or in a process of its own that ends.

The normal case is the second: the tree that a file is read into is ten times the policy,
lies between its pieces, and would stay. What comes over from the other process is the
policy alone; meanwhile this one loads what it needs besides.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from s3gate.policy.document import parse_policy
from s3gate.policy.mistake import DocumentErrors
from s3gate.policy.model import Policy

COMMAND: Final = (sys.executable, "-c", "from s3gate.loading import main; main()")
PACKAGE_ROOT: Final = Path(__file__).resolve().parents[1]


class CannotStart(Exception):
    """The environment does not let the gate start; the message is one line with the next step."""


def load_policy(path: Path) -> Policy:
    """Read and validate the policy file.

    Raises:
        PolicyErrors: every mistake in it.
        CannotStart: it cannot be read.
    """
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise CannotStart(f"policy `{path}` cannot be read: {exc.strerror}") from exc
    return parse_policy(text)


@contextmanager
def load_apart(path: Path, command: Sequence[str] = COMMAND) -> Iterator[Callable[[], Policy]]:
    """Read and validate the policy file in another process.

    Args:
        path: the file.
        command: argument list that starts the process; the path is added.

    Yields:
        Waits for the policy, and raises as `load_policy` does.

    Raises:
        CannotStart: the process cannot be started.
    """
    path_of_modules = os.pathsep.join(filter(None, (str(PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
    try:
        process = subprocess.Popen(
            [*command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path_of_modules},
            start_new_session=True,  # Ctrl-C is for the gate
        )
    except OSError as exc:
        raise CannotStart(f"the policy's reader cannot be started: {exc.strerror}; free some memory") from exc
    with process:
        try:
            yield lambda: _take(process)
        finally:
            process.kill()


def _take(process: subprocess.Popen[bytes]) -> Policy:
    told, error = process.communicate()[0], process.returncode
    if error:
        raise CannotStart(f"the policy's reader ended with {error}; if it was killed, give it more memory")
    found: Policy | CannotStart | DocumentErrors = pickle.loads(told)  # noqa: S301 - our own process wrote it
    if isinstance(found, Exception):
        raise found
    return found


def main() -> None:
    """Read the policy whose path is the first argument; write it, or why not, to standard output."""
    found: Policy | CannotStart | DocumentErrors
    try:
        found = load_policy(Path(sys.argv[1]))
    except (CannotStart, DocumentErrors) as exc:
        found = exc
    pickle.dump(found, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
