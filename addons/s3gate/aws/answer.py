"""What the gate and the process that looks at a remote source say to each other: JSON lines. Pure.

The normal case: an order once, then for each look one answer. A look that fails is an
answer too, so that nobody waits for one that does not come.
"""

import base64
import json

from s3gate.policy.source import Remote, Scheme, SourceText, SourceUnreachable


def render_order(place: Remote, region: str | None, *, cases: bool = True) -> bytes:
    """The first line: what to look at.

    Args:
        place: the source.
        region: AWS region where the environment names none.
        cases: whether cases are looked for beside it.
    """
    order = {"scheme": place.scheme, "parts": place.parts, "region": region, "cases": cases}
    return json.dumps(order).encode() + b"\n"


def parse_order(line: bytes) -> tuple[Remote, str | None, bool]:
    """Read an order back: the place, the region, whether there may be cases."""
    order = json.loads(line)
    return Remote(Scheme(order["scheme"]), tuple(order["parts"])), order["region"], bool(order["cases"])


def render_answer(found: SourceText | SourceUnreachable | None) -> bytes:
    """One line for one look.

    Args:
        found: what lies there; None: what was there before; or why that cannot be said.
    """
    if found is None:
        return b'{"unchanged": true}\n'
    if isinstance(found, SourceUnreachable):
        return json.dumps({"error": str(found)}).encode() + b"\n"
    cases = None if found.cases is None else base64.b64encode(found.cases).decode()
    fields = {"data": base64.b64encode(found.data).decode(), "version": found.version, "cases": cases}
    return json.dumps(fields).encode() + b"\n"


def parse_answer(line: bytes) -> SourceText | None:
    """Read an answer back.

    Raises:
        SourceUnreachable: it says why not, or is no answer.
    """
    try:
        fields = json.loads(line)
        if "error" in fields:
            raise SourceUnreachable(str(fields["error"]))
        if "unchanged" in fields:
            return None
        cases = None if fields["cases"] is None else base64.b64decode(fields["cases"])
        return SourceText(base64.b64decode(fields["data"]), str(fields["version"]), cases)
    except (ValueError, KeyError, TypeError) as exc:
        raise SourceUnreachable("the process that reads the source gave no answer") from exc
