"""Which numbered step of `decide.py` refused: the steps are read from that file's own docstring."""

import re
from typing import Final

from s3gate.policy import decide
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request

# step = number "." title 2*SP reasons, continued by lines of reasons alone; as written in decide.py.
_STEP: Final = re.compile(r" ?(\d{1,2})\. (\S.*?)(?: {2,}(.*))?", re.ASCII)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+", re.ASCII)
_CONNECT_STEP: Final = 2
_TLS_STEP: Final = 3


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


def refusing_step(policy: Policy, request: Request, decision: Decision) -> str | None:
    """The step that refused, as `3. TLS speaks to that name.`; None for an allow.

    Args:
        policy: what judged.
        request: what was asked.
        decision: the verdict on it.
    """
    reason = decision.would_deny or (None if decision.allowed else decision.reason)
    if reason is None:
        return None
    steps = numbered_steps()
    if decide.decide_connect(policy, request) is not None:
        numbers = [_CONNECT_STEP]
    elif decide.decide_tls(policy, request) is not None:
        numbers = [_TLS_STEP]
    else:
        numbers = [one for one, (_, gives) in steps.items() if one > _TLS_STEP and reason in gives]
    return " or ".join(f"{one}. {steps[one][0]}" for one in numbers if one in steps) or None


def _reasons(text: str) -> frozenset[Reason]:
    """The codes in a text; `KEY_ ACCOUNT_NOT_ALLOWED` stands for KEY_NOT_ALLOWED too."""
    codes = set()
    for word in _CODE.findall(text):
        full = word + "NOT_ALLOWED" if word.endswith("_") else word
        if full in Reason.__members__:
            codes.add(Reason[full])
    return frozenset(codes)
