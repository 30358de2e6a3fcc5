"""How far a request came in the numbered steps of `decide.py`, and which one decided.

The normal case: every step before holds, one refuses, the others are not reached. Titles
are read from that file's own docstring; where a reason belongs to several steps, the walk
itself is asked how far it comes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from s3gate.policy import decide
from s3gate.policy.case import Case
from s3gate.policy.connection_steps import step_client, step_connect, step_head, step_tls
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request
from s3gate.policy.walk import Denied
from s3gate.s3.refusal import ReadError

# step = number "." title 2*SP reasons, continued by lines of reasons alone; as written in decide.py.
_STEP: Final = re.compile(r" ?(\d{1,2})\. (\S.*?)(?: {2,}(.*))?", re.ASCII)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+", re.ASCII)

# The steps that each part of the walk takes; the rest is `step_target`.
_PARTS: Final = ((step_client, (1,)), (step_connect, (2,)), (step_tls, (3,)), (step_head, (4, 5, 6)))
_TARGET: Final = tuple(range(7, 16))
_SERVICE, _ENDPOINT, _RULE, _SOURCE, _BONDS = 7, 9, 12, 13, 14


class Came(StrEnum):
    """What became of a step."""

    HELD = "held"
    REFUSED = "refused"
    LIFTED = "lifted"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step and what became of it."""

    number: int
    title: str
    came: Came


def numbered_steps() -> dict[int, tuple[str, frozenset[Reason]]]:
    """Each step's title and the reasons it gives, by number."""
    steps: dict[int, tuple[str, frozenset[Reason]]] = {}
    number = 0
    for line in (decide.__doc__ or "").splitlines():
        found = _STEP.fullmatch(line)
        if found:
            number = int(found[1])
            steps[number] = (found[2], _reasons(found[3] or ""))
        elif number and line.startswith(" " * 20):
            title, reasons = steps[number]
            steps[number] = (title, reasons | _reasons(line))
        else:
            number = 0
    return steps


def walked_steps(policy: Policy, request: Request, decision: Decision) -> tuple[Step, ...]:
    """Every step in order, and what became of it.

    Args:
        policy: what judged.
        request: what was asked.
        decision: the verdict on it.
    """
    decided = refusing_step(policy, request, decision)
    steps = []
    for number, (title, _) in numbered_steps().items():
        came = Came.HELD
        if number == decided:
            came = Came.LIFTED if decision.allowed else Came.REFUSED
        elif decided is not None and number > decided and not decision.allowed:
            came = Came.NOT_REACHED
        steps.append(Step(number, title, came))
    return tuple(steps)


def refusing_step(policy: Policy, request: Request, decision: Decision) -> int | None:
    """The number of the step that refused, or that monitor mode lifted first; None for an allow.

    Args:
        policy: what judged.
        request: what was asked.
        decision: the verdict on it.
    """
    reason = decision.would_deny or (None if decision.allowed else decision.reason)
    if reason is None:
        return None
    case = Case(policy, request)
    for step, numbers in _PARTS:
        try:
            step(case)
        except (Denied, ReadError):
            return _of(numbers, reason)
        if case.lifted is not None:
            return _of(numbers, reason)
    return _of_target(policy, request, decision, reason)


def _of_target(policy: Policy, request: Request, decision: Decision, reason: Reason) -> int | None:
    """Among steps 7 to 15; a reason of several of them is told apart by what it speaks of."""
    detail = decision.detail.removeprefix("monitor mode only: ")
    if detail.startswith('copy source "'):
        return _SOURCE
    if decision.reading.endpoint_class is None and reason is Reason.ACCOUNT_NOT_ALLOWED:
        return _SERVICE
    if reason is Reason.REGION_NOT_ALLOWED:
        return _ENDPOINT if decision.rule is None else _RULE
    if reason in {Reason.ENCRYPTION_NOT_ALLOWED, Reason.BUCKET_OWNER_NOT_PROVEN} and not decision.allowed:
        return _BONDS if _lifts_before(policy, request) else _RULE
    return _of(_TARGET, reason)


def _lifts_before(policy: Policy, request: Request) -> bool:
    """Whether monitor mode had lifted something before the refusal."""
    case = Case(policy, request)
    decide.decide_case(case)
    return case.lifted is not None


def _of(numbers: Sequence[int], reason: Reason) -> int:
    """The first of these steps that gives the reason; else the first, which gives the list's own reasons."""
    steps = numbered_steps()
    return next((one for one in numbers if reason in steps[one][1]), numbers[0])


def _reasons(text: str) -> frozenset[Reason]:
    """The codes in a text; `KEY_ ACCOUNT_NOT_ALLOWED` stands for KEY_NOT_ALLOWED too."""
    codes = set()
    for word in _CODE.findall(text):
        full = word + "NOT_ALLOWED" if word.endswith("_") else word
        if full in Reason.__members__:
            codes.add(Reason[full])
    return frozenset(codes)
