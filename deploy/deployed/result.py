"""What a command said, and what that says of the deployment.

The normal case: exit code 0, and one line of how much was tried.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

FINE, WRONG, UNKNOWN, LEFT_OUT = "fine", "wrong", "unknown", "left_out"
EXIT_NO: Final = 1
EXIT_ENVIRONMENT: Final = 3
# awscli prints the message of S3's error document: `s3gate: <sentence> (<REASON>); decision <id>`.
REFUSED: Final = re.compile(r"s3gate: .*\(([A-Z_]+)\)", re.DOTALL)


@dataclass(frozen=True)
class Result:
    """What became of one step.

    Args:
        outcome: one of the four words.
        detail: one sentence.
        then: what to do next where it is not fine.
    """

    outcome: str
    detail: str
    then: str | None = None


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line that says something."""
        return ([*filter(None, map(str.strip, (self.out + "\n" + self.err).splitlines()))] or ["no output"])[
            -1
        ]

    def lines(self) -> list[dict[str, object]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


def judge_refusal(done: Done, reason: str) -> Result:
    """What awscli says of a request that must be refused: by us, in our words, for this reason.

    Args:
        done: awscli.
        reason: the only right one.
    """
    told = REFUSED.search(done.err)
    if done.code == 0 or told is None:
        what = "it passed" if done.code == 0 else f"not refused by s3gate: {done.last}"
        return Result(WRONG, what, "take clients off this way until it is refused")
    outcome = FINE if told[1] == reason else WRONG
    return Result(outcome, told[1] if outcome == FINE else f"{told[1]} and not {reason}")


def judge_trail(done: Done, endpoint: str) -> Result:
    """What `s3gate trace-path --json` says.

    Args:
        done: the command.
        endpoint: id of the VPC endpoint that was expected.
    """
    told = done.lines()
    if done.code == 0:
        count = sum(int(str(one.get("events", 0))) for one in told if one.get("kind") == "source")
        return Result(FINE, f"{count} events of the bucket, all by the gate and {endpoint}")
    if done.code == EXIT_NO:
        first = next((one for one in told if one.get("kind") == "request"), {})
        detail = f"{first.get('verdict')}: request {first.get('request_id')}"
        return Result(WRONG, detail, "s3gate trace-path shows from where it came")
    notes = next((one["notes"] for one in told if one.get("kind") == "summary"), None)
    detail = str(notes[0]) if isinstance(notes, list) and notes else done.last
    return Result(UNKNOWN, detail, "CloudTrail is late, or tells nothing of this bucket: --trail-timeout")
