"""What `s3gate explain` says about one request: for a person, or as one JSON line.

The normal case: what was read, the verdict, the steps with the one that decided, the rule,
and for a denial the smallest change that would allow it, or why there is none. Nothing of
a signature or token is in it: only what was read of the request.
"""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from textwrap import wrap
from typing import Final

from s3gate.cli.excerpt import printable, source_lines
from s3gate.cli.explain_line import ANSWER_FIELDS, render_answer
from s3gate.cli.steps import Came, Step, walked_steps
from s3gate.policy.decide import decide_request
from s3gate.policy.document import parse_policy_tree
from s3gate.policy.model import Policy, Rule
from s3gate.policy.preset import preset_rows
from s3gate.policy.reading import Request
from s3gate.policy.remedy import Remedy, find_remedy

WIDTH: Final = 80
"""Columns of a terminal that nobody has widened."""

_LABEL: Final = 15
_MARKS: Final = {Came.HELD: "✓", Came.REFUSED: "✗", Came.LIFTED: "~", Came.NOT_REACHED: "·"}


class Answer:
    """One request and what the policy says about it.

    Args:
        path: of the policy, as given.
        data: its bytes.
        policy: as read from them.
        request: what is asked.
        notes: on where the request comes from.
    """

    def __init__(
        self, path: Path, data: bytes, policy: Policy, request: Request, notes: tuple[str, ...] = ()
    ) -> None:
        self._path, self._data, self._policy, self._request = path, data, policy, request
        self._notes = notes
        self.decision = decide_request(policy, request)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The numbered steps and what became of each."""
        return walked_steps(self._policy, self._request, self.decision)

    @cached_property
    def remedy(self) -> Remedy | None:
        """The smallest change that would allow it."""
        return find_remedy(parse_policy_tree(self._data)[1], self._policy, self._request)

    @property
    def _rule(self) -> Rule | None:
        return next((one for one in self._policy.rules if one.id == self.decision.rule), None)

    def render(self) -> str:
        """Lines for a person."""
        return "\n".join(self._lines())

    def render_json(self) -> str:
        """One JSON line: the answer of `--jsonl`, and what a person is told besides."""
        rule, remedy = self._rule, self.remedy
        decided = next((one.number for one in self.steps if one.came in {Came.REFUSED, Came.LIFTED}), None)
        change = None
        if remedy is not None and remedy.decision is not None:
            edits = [{"line": one.line, "change": one.text, "caution": one.caution} for one in remedy.edits]
            change = {"edits": edits, "then": remedy.decision.reason.value}
        more = {
            "detail": self.decision.detail,
            "step": decided,
            "rule_line": rule.line if rule is not None and rule.line else None,
            "change": change,
            "advice": remedy.advice or None if remedy is not None else None,
            "notes": list(self._notes),
        }
        return json.dumps(render_answer(None, self.decision) | more, separators=(",", ":"))

    def _lines(self) -> Iterator[str]:
        decision, reading = self.decision, self.decision.reading
        for note in self._notes:
            yield from _told("note", note)
        for field in ("host", *ANSWER_FIELDS):
            value = getattr(reading, field)
            if field == "copy_source" and value is not None:
                version = f" version {value.version_id}" if value.version_id else ""
                value = f"{value.bucket}/{value.key}{version}"
            if value is not None:
                yield f"{field.replace('_', ' '):<{_LABEL}} {printable(value)}"
        yield f"{'decision':<{_LABEL}} {decision.word}, {decision.reason.value}"
        if decision.would_deny is not None:
            yield f"{'would deny':<{_LABEL}} {decision.would_deny.value}"
        yield from _told("because", decision.detail)
        for label, step in zip(("steps", *[""] * len(self.steps)), self.steps, strict=False):
            yield f"{label:<{_LABEL}} {_MARKS[step.came]} {step.number:>2}. {step.title}"
        rule = self._rule
        if rule is not None and rule.line:
            yield f"{'rule':<{_LABEL}} {rule.id} ({self._path}:{rule.line})"
            yield f"{'':<{_LABEL}} {source_lines(self._data)[rule.line - 1].strip()}"
        for row in preset_rows(self._policy):
            if (row.rule, row.bucket) == (decision.rule, reading.bucket):
                yield f"{'rule':<{_LABEL}} {row.rule}, known from"
                yield f"{'':<{_LABEL}} {row.source}"
        yield from self._change()

    def _change(self) -> Iterator[str]:
        remedy = self.remedy
        if remedy is None:
            return
        if remedy.decision is None:
            yield from _told("to allow it", remedy.advice)
            return
        for label, edit in zip(("to allow it", *[""] * len(remedy.edits)), remedy.edits, strict=False):
            place = f"{self._path}:{edit.line}: " if edit.line else f"{self._path}: "
            yield from _told(label, place + edit.text)
            if edit.caution is not None:
                yield from _told("", f"caution: {edit.caution}")
        yield from _told("", f"tried on the whole file: the answer is then {remedy.decision.reason.value}")


def _told(label: str, text: str) -> list[str]:
    """A sentence beside its label, wrapped; words are never cut, so that they can be copied."""
    lines = wrap(printable(text), WIDTH - _LABEL - 1, break_long_words=False, break_on_hyphens=False) or [""]
    return [
        f"{name:<{_LABEL}} {line}" for name, line in zip((label, *[""] * len(lines)), lines, strict=False)
    ]
