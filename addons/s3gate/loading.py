"""A policy's bytes → the policy, proven: here, or in a process of its own that ends.

The normal case is the second: the tree that a file is read into is ten times the policy,
lies between its pieces, and would stay. What comes over from the other process is the
policy alone; meanwhile this one loads what it needs besides. A policy is proven when it
has no mistake, leaves the gate's own ground closed, and decides its cases as they say.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from s3gate.policy.cases import parse_cases, run_cases
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.ground import NO_GROUND, OwnGround
from s3gate.policy.mistake import DocumentErrors, Mistake, PolicyErrors
from s3gate.policy.model import Policy
from s3gate.policy.own_ground import check_ground
from s3gate.policy.source import SourceText

# -P: else whoever can write a `yaml.py` into the working directory would decide what the policy is.
COMMAND: Final = (sys.executable, "-P", "-c", "from s3gate.loading import main; main()")
PACKAGE_ROOT: Final = Path(__file__).resolve().parents[1]


class CannotStart(Exception):
    """The environment does not let the gate start; the message is one line with the next step."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy that may come into force.

    Args:
        policy: proven.
        source: where it was read, as the settings name it.
        version: the source's own word for what was read.
    """

    policy: Policy
    source: str
    version: str


def load_policy(text: SourceText, ground: OwnGround = NO_GROUND) -> Policy:
    """Read and prove a policy.

    Args:
        text: its bytes, and those of its cases.
        ground: what must stay closed.

    Raises:
        PolicyErrors: every mistake in it, or every case that comes out otherwise.
    """
    policy, root = parse_policy_tree(text.data)
    check_ground(policy, root, ground)
    if text.cases is not None:
        _prove(policy, text.cases)
    return replace(policy, ground=ground)


def _prove(policy: Policy, cases: bytes) -> None:
    try:
        different = run_cases(policy, parse_cases(cases))
    except DocumentErrors as exc:
        raise PolicyErrors(
            [Mistake(0, 0, f"its cases cannot be used: {exc}", "look with `s3gate test`")]
        ) from exc
    if different:
        found = [Mistake(0, 0, f"its cases: {one}", "change the rule or the case") for one in different]
        raise PolicyErrors(found)


@contextmanager
def load_apart(
    text: SourceText, ground: OwnGround = NO_GROUND, command: Sequence[str] = COMMAND
) -> Iterator[Callable[[], Policy]]:
    """Read and prove a policy in another process.

    Args:
        text: its bytes, and those of its cases.
        ground: what must stay closed.
        command: argument list that starts the process.

    Yields:
        Waits for the policy, and raises as `load_policy` does.

    Raises:
        CannotStart: the process cannot be started.
    """
    path_of_modules = os.pathsep.join(filter(None, (str(PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
    try:
        with TemporaryFile() as given:
            pickle.dump((text, ground), given, pickle.HIGHEST_PROTOCOL)
            given.seek(0)
            process = subprocess.Popen(
                command,
                stdin=given,
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
    found: Policy | DocumentErrors = pickle.loads(told)  # noqa: S301 - our own process wrote it
    if isinstance(found, Exception):
        raise found
    return found


def main() -> None:
    """Read the policy that standard input holds; write it, or why not, to standard output."""
    text, ground = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    found: Policy | DocumentErrors
    try:
        found = load_policy(text, ground)
    except DocumentErrors as exc:
        found = exc
    pickle.dump(found, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
