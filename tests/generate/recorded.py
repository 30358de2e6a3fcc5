"""Requests of `asks.py` as the records that a gate writes of them."""

import json

from generate.asks import NOW, Ask
from s3gate.audit.key_form import FULL, KeyForm
from s3gate.audit.record import render_decision, to_line
from s3gate.policy.decide import decide_request
from s3gate.policy.model import Policy
from s3gate.replay.facts import Facts, read_facts, read_past


def line(by: Policy, ask: Ask, keys: KeyForm = FULL, name: str = "d") -> bytes:
    """The record of one request, as a journal holds it but for the chain."""
    request = ask.request()
    made = decide_request(by, request)
    return to_line(render_decision(made, request, audit_id=name, decision_id=name, time=NOW, keys=keys))


def record(by: Policy, ask: Ask, keys: KeyForm = FULL) -> dict[str, object]:
    """The same, parsed."""
    parsed: dict[str, object] = json.loads(line(by, ask, keys))
    return parsed


def facts(by: Policy, ask: Ask, keys: KeyForm = FULL) -> Facts:
    """What a replay reads of it."""
    written = record(by, ask, keys)
    return read_facts(written, read_past(written))
