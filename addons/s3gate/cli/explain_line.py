"""One Decision → the answer line of `explain --jsonl`."""

from math import isfinite
from typing import Final

from s3gate.policy.decision import Decision

ANSWER_FIELDS: Final = (
    "bucket",
    "key",
    "style",
    "endpoint_class",
    "region",
    "partition",
    "operation",
    "copy_source",
    "access_key_id",
    "account",
)
"""What was read, in the order of the answer; each is a field of Reading."""


def render_answer(line_id: object, decision: Decision) -> dict[str, object]:
    """The answer to one line, keys in their order.

    Args:
        line_id: the `id` of the line, given back as it is when it is text, a number or null.
        decision: what was decided; `would_deny` is added where monitor mode lifted something.
    """
    reading = decision.reading
    answer: dict[str, object] = {
        "id": line_id if _is_plain(line_id) else None,
        "decision": decision.word,
        "reason": decision.reason.value,
        "rule": decision.rule,
    }
    for field in ANSWER_FIELDS:
        answer[field] = getattr(reading, field)
    source = reading.copy_source
    if source is not None:
        answer["copy_source"] = {"bucket": source.bucket, "key": source.key, "version_id": source.version_id}
    if decision.would_deny is not None:
        answer["would_deny"] = decision.would_deny.value
    return answer


def _is_plain(value: object) -> bool:
    """Whether a value can be given back as JSON: 1e999 is a number there and infinite here."""
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))
