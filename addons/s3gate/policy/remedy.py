"""The smallest change to a policy that would allow a denied request, proven by deciding again.

The normal case: a word or a rule is missing, and the change names it. Candidate changes are
tried in the order of the words that they add, each as a whole document through the same
parser and the same `decide.py`; the one that is told allowed the request in the whole file.
What no policy may allow (malformed, contradicting names, an unproven owner) has no change.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import Final

import yaml

from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.document import parse_policy
from s3gate.policy.edit import Document, Edit, concerned
from s3gate.policy.edits import edits_for
from s3gate.policy.located import Node
from s3gate.policy.mistake import PolicyErrors
from s3gate.policy.model import Policy
from s3gate.policy.reading import Request

MAX_TRIES: Final = 300
"""Documents tried: some 2 ms each; the deepest change known (class, region, rule) takes 30."""

ENFORCED: Final = frozenset({Reason.ALLOWED_BY_RULE, Reason.ALLOWED_HOST, Reason.ALLOWED_PRESET})
"""What a change must lead to; monitor mode ends by itself."""

_UNREADABLE: Final = "no policy allows this: the request must have one reading; send another"
_NOT_FOUND: Final = "no change of few words to the policy allows this"
_HINTS: Final[Mapping[Reason, str]] = {
    Reason.MALFORMED_REQUEST: _UNREADABLE,
    Reason.MALFORMED_HOST: _UNREADABLE,
    Reason.AMBIGUOUS_TARGET: _UNREADABLE,
    Reason.PROTOCOL_UPGRADE: _UNREADABLE,
    Reason.HOST_MISMATCH: "no policy allows this: CONNECT, SNI, Host and target must name one host",
    Reason.SNI_MISMATCH: "no policy allows this: CONNECT, SNI, Host and target must name one host",
    Reason.SNI_MISSING: "no policy allows this: the client must send the server name (SNI)",
    Reason.NOT_TLS: "no policy allows this: the client must speak TLS, and trust the gate's CA",
    Reason.IP_LITERAL: "no policy allows this: the client must use a name, not an address",
    Reason.PORT_NOT_ALLOWED: "no policy allows this: only port 443 is served (80 in clear text)",
    Reason.HOST_NOT_LISTED: "no policy allows this: it is no AWS name that can be listed, or nobody signed",
    Reason.SERVICE_NOT_S3: "no policy allows this: only S3, and exact AWS names under `hosts`",
    Reason.NO_BUCKET: "no policy allows this: a request must name one bucket",
    Reason.UNKNOWN_OPERATION: "no policy allows this: it is no operation of S3 that this version knows",
    Reason.CREDENTIAL_EXPIRED: "no policy allows this: sign it anew",
    Reason.CREDENTIAL_SCOPE_MISMATCH: "no policy allows this: sign it for the region and service of the host",
    Reason.BUCKET_OWNER_NOT_PROVEN: (
        "send a signed x-amz-expected-bucket-owner (`aws s3api … --expected-bucket-owner`); "
        "taking `owner` out of the rule is never proposed"
    ),
    Reason.ACCOUNT_NOT_ALLOWED: (
        "sign with a key whose id tells its account; taking `accounts` out of the rule is never proposed"
    ),
    Reason.PROXY_AUTH_REQUIRED: "give the proxy a user and password; no other change lets this client in",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a change.

    Args:
        line: of the file, where it is made; 0 where a section is new.
        text: what to do, one sentence.
        caution: what else it opens, or None.
    """

    line: int
    text: str
    caution: str | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a denial.

    Args:
        edits: all of them together allow the request; empty when none may.
        decision: what the changed policy decides; None when there is no change.
        advice: what to do where the policy cannot help; empty when there is a change.
    """

    edits: tuple[Told, ...]
    decision: Decision | None
    advice: str = ""


def find_remedy(root: Node, policy: Policy, request: Request) -> Remedy | None:
    """The smallest change that allows a request; None when it is allowed already.

    Args:
        root: the document of the policy.
        policy: as read from it.
        request: what was asked.
    """
    first = decide_request(policy, request)
    if first.reason in ENFORCED:
        return None
    whole = root.value
    ends: list[Reason] = []
    if isinstance(whole, dict):
        for edits in _search(concerned(whole, first.reading), request, ends):
            changed = deepcopy(whole)
            for one in edits:
                one.apply(changed)
            proof = _judge(changed, request)
            if proof is not None and proof.reason in ENFORCED:
                told = list(_told(edits, changed, root))
                told[-1] = _with_stranger(told[-1], policy, proof.reading.account)
                return Remedy(tuple(told), proof)
    return Remedy((), None, _advice(first.would_deny or first.reason, ends))


def _with_stranger(told: Told, policy: Policy, account: str | None) -> Told:
    """The line, with a caution when keys of an account signed that the policy names nowhere."""
    known = {one for rule in policy.rules for one in (*rule.accounts, rule.owner)} - {None}
    known |= {one for host in policy.hosts.values() for one in host.accounts}
    if account is None or not known or account in known:
        return told
    said = f"account {account}, which signed, stands nowhere else in this policy: whose is it?"
    return replace(told, caution=said if told.caution is None else f"{told.caution}; {said}")


def _advice(reason: Reason, ends: list[Reason]) -> str:
    """What to do where no change helps: about the refusal itself, or about the one behind it."""
    if reason in _HINTS:
        return _HINTS[reason]
    behind = next((one for one in ends if one in _HINTS), None)
    return _NOT_FOUND if behind is None else f"{_NOT_FOUND}: it ends at {behind.value}; {_HINTS[behind]}"


def _search(document: Document, request: Request, ends: list[Reason]) -> Iterator[tuple[Edit, ...]]:
    """Changes that allow the request in a part of the document, those with the fewest words first.

    Args:
        document: the part.
        request: what was asked.
        ends: gets the reasons that no edit leads past.
    """
    order = count()
    waiting: list[tuple[int, int, Document, tuple[Edit, ...]]] = [(0, next(order), document, ())]
    for _ in range(MAX_TRIES):
        if not waiting:
            return
        words, _, tried, edits = heappop(waiting)
        decision = _judge(tried, request)
        if decision is None:
            continue
        if decision.reason in ENFORCED:
            yield edits
            continue
        before = len(waiting)
        for edit in edits_for(tried, request, decision, lambda part: _judge(part, request)):
            more = deepcopy(tried)
            edit.apply(more)
            heappush(waiting, (words + edit.words, next(order), more, (*edits, edit)))
        if len(waiting) == before:
            ends.append(decision.would_deny or decision.reason)


def _judge(document: Document, request: Request) -> Decision | None:
    """What a document decides; None when it is none that may be used."""
    try:
        return decide_request(parse_policy(yaml.safe_dump(document, allow_unicode=True).encode()), request)
    except PolicyErrors:
        return None


def _told(edits: tuple[Edit, ...], changed: Document, root: Node) -> Iterator[Told]:
    """The edits for a person; what is done to a new rule stands in that rule already."""
    new = {edit.rule for edit in edits if edit.new_rule}
    for edit in edits:
        if edit.new_rule:
            yield Told(root.key_at(("rules",))[0], edit.say(changed), edit.caution)
        elif edit.rule not in new:
            yield Told(edit.line(root), edit.say(changed), edit.caution)
