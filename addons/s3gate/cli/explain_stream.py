"""Requests as JSON lines in, decisions as JSON lines out, in order, each flushed: a co-process.

The normal case: one object, one answer. A line that is not JSON, or describes no
request, is answered with a denial like any other; nothing a line holds ends the stream.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, Final, NoReturn

from s3gate.cli.explain_line import render_answer
from s3gate.policy.decide import decide_request
from s3gate.policy.decision import Decision, Reason
from s3gate.policy.described_request import UnusableRequest, build_request
from s3gate.policy.model import Policy
from s3gate.policy.reading import NOTHING_READ

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one line: a head of 64 KiB with every byte escaped as `\\u00xx` is 384 KiB; ten times that."""


class _NotJson(ValueError):
    pass


def explain_stream(policy: Policy, source: BinaryIO, sink: BinaryIO, clock: Callable[[], datetime]) -> bool:
    """Answer every line.

    Args:
        policy: what judges.
        source: JSON lines.
        sink: gets one answer a line, flushed.
        clock: the time for lines without `now`, time zone aware.

    Returns:
        Whether every line was JSON.
    """
    all_json = True
    while line := source.readline(MAX_LINE_BYTES):
        if not line.endswith(b"\n") and len(line) == MAX_LINE_BYTES:
            _skip_rest(source)
            line = b""
        try:
            answer = _answer(policy, line, clock)
        except _NotJson:
            all_json = False
            answer = {"id": None, "decision": "deny", "reason": Reason.MALFORMED_REQUEST.value}
        sink.write(json.dumps(answer, separators=(",", ":")).encode("ascii") + b"\n")
        sink.flush()
    return all_json


def _skip_rest(source: BinaryIO) -> None:
    while (more := source.readline(MAX_LINE_BYTES)) and not more.endswith(b"\n"):
        pass


def _answer(policy: Policy, line: bytes, clock: Callable[[], datetime]) -> dict[str, object]:
    repeated: set[str] = set()
    fields = _parse(line, repeated)
    if not isinstance(fields, dict):
        return render_answer(None, _deny(policy, Reason.MALFORMED_REQUEST, "the line is not an object"))
    line_id = None if "id" in repeated else fields.get("id")
    if repeated:
        return render_answer(line_id, _deny(policy, Reason.MALFORMED_REQUEST, "a key stands twice"))
    try:
        decision = decide_request(policy, build_request(fields, clock()))
    except UnusableRequest as exc:
        decision = _deny(policy, Reason.MALFORMED_REQUEST, str(exc))
    except Exception as exc:  # noqa: BLE001 - here the stream is the gate: what we failed to think of is denied
        decision = _deny(policy, Reason.INTERNAL_ERROR, type(exc).__name__)
    return render_answer(line_id, decision)


def _deny(policy: Policy, reason: Reason, detail: str) -> Decision:
    return Decision(reason, detail, NOTHING_READ, policy=policy.digest)


def _parse(line: bytes, repeated: set[str]) -> object:
    """The JSON value of a line (RFC 8259, so no NaN); `repeated` gets keys that stand twice in an object."""

    def keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields: dict[str, object] = {}
        for key, value in pairs:
            if key in fields:
                repeated.add(key)
            fields[key] = value
        return fields

    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=keep, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise _NotJson from exc


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
