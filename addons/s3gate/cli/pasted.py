"""What a person pastes about one request → the words that describe it: awscli's --debug, or a record.

The normal case: the line `Sending http request: <AWSPreparedRequest …>` of `aws … --debug`, or
a whole excerpt with it (the last one counts), or an `egress` line of a journal or of CloudWatch
Logs. Text is only cut apart, never run; nothing of it is repeated in an error, for it holds
tokens and signatures.
"""

import json
import re
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from s3gate.cli.pasted_record import describe_record
from s3gate.policy.described_request import UnusableRequest

MAX_PASTE_CHARS: Final = 64 * 1024 * 1024
"""Characters: the --debug output of one big transfer has some ten millions."""

# awsrequest.py of botocore 1.43, AWSPreparedRequest.__repr__; headers is the repr of a dict.
_PREPARED: Final = re.compile(
    r"<AWSPreparedRequest stream_output=(?:True|False), method=([^\s,]+), url=(\S+), headers=(\{.*\})>"
)
# endpoint.py of botocore 1.43, Endpoint.make_request; the params are the repr of a dict, before signing.
_MAKING: Final = re.compile(r"Making request for OperationModel\(name=\w+\) with params: (\{.*)")
# Text of a repr, or what opens, closes and parts it.
_TOKEN: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}\[\]()<>,]""")
_DATE: Final = "%Y%m%dT%H%M%SZ"  # x-amz-date of SigV4
_NOTHING: Final = (
    "neither awscli's --debug output (a line with `AWSPreparedRequest` or `Making request for`) "
    "nor an `egress` record"
)


@dataclass(frozen=True, slots=True)
class Pasted:
    """One request that was pasted.

    Args:
        fields: as `build_request` takes them.
        key_id: access key id that signed, where the signature itself is not in what was pasted.
        notes: what the person should know of it, one sentence each.
    """

    fields: Mapping[str, object]
    key_id: str | None = None
    notes: tuple[str, ...] = ()


def parse_paste(text: str) -> Pasted:
    """The request in a pasted text.

    Args:
        text: one line or many.

    Raises:
        UnusableRequest: there is none in it; its text is not repeated.
    """
    record = _last_record(text)
    if record is not None:
        fields, key_id, notes = describe_record(record)
        return Pasted(fields, key_id, notes)
    sent = _PREPARED.findall(text)
    if sent:
        notes = (f"{len(sent)} requests were pasted; this is the last",) if len(sent) > 1 else ()
        method, url, headers = sent[-1]
        return _prepared(method, url, headers, notes)
    making = _MAKING.findall(text)
    if making:
        return _making(making[-1])
    raise UnusableRequest(f"what was pasted is {_NOTHING}")


def _last_record(text: str) -> Mapping[str, object] | None:
    for line in reversed(text.splitlines()):
        start = line.find('{"')  # `aws logs tail` writes the time before it
        if start >= 0:
            try:
                value = json.loads(line[start:])
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and value.get("event") in {"egress", "selftest"}:
                return value
    return None


def _prepared(method: str, url: str, shown: str, notes: tuple[str, ...]) -> Pasted:
    headers = _headers(shown)
    fields: dict[str, object] = {"method": method, "url": url, "headers": _with_host(headers, url)}
    stamp = next((value for name, value in headers if name.lower() == "x-amz-date"), None)
    if stamp is not None:
        try:
            fields["now"] = datetime.strptime(stamp, _DATE).replace(tzinfo=UTC).isoformat()
        except ValueError as exc:
            raise UnusableRequest("the X-Amz-Date of what was pasted is no time") from exc
    return Pasted(fields, None, notes)


def _making(shown: str) -> Pasted:
    items = _items(shown)
    try:
        method, url = literal_eval(items["method"]), literal_eval(items["url"])
    except (KeyError, ValueError, SyntaxError, RecursionError) as exc:
        raise UnusableRequest("the pasted line is cut off: it has no method or url") from exc
    headers = _headers(items.get("headers", "{}"))
    note = "this line comes before the signature; --key-id says who signs"
    return Pasted({"method": method, "url": url, "headers": _with_host(headers, str(url))}, None, (note,))


def _headers(shown: str) -> list[tuple[str, str]]:
    """Pairs of the repr of a dict, whose values are text or bytes."""
    try:
        value = literal_eval(shown)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as exc:
        raise UnusableRequest("the headers of what was pasted are cut off or altered") from exc
    if not isinstance(value, dict):
        raise UnusableRequest("the headers of what was pasted are no mapping")
    return [
        (str(name), one.decode("latin-1") if isinstance(one, bytes) else str(one))
        for name, one in value.items()
    ]


def _with_host(headers: list[tuple[str, str]], url: str) -> list[list[str]]:
    """The pairs with the Host that http.client adds, which botocore does not show."""
    pairs = [list(pair) for pair in headers]
    if not any(name.lower() == "host" for name, _ in headers):
        authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
        pairs.insert(0, ["Host", authority])
    return pairs


def _items(shown: str) -> dict[str, str]:
    """The items of a dict's repr, each value as it is written: some are of objects and cannot be read."""
    items: dict[str, str] = {}
    depth, start = 0, 1
    for found in _TOKEN.finditer(shown):
        part = found[0]
        depth += (part in "{[(<") - (part in "}])>")
        if (part == "," and depth == 1) or depth == 0:
            name, colon, value = shown[start : found.start()].strip().partition(": ")
            if colon:
                items.setdefault(name.strip("'\""), value)
            start = found.end()
        if depth == 0:
            break
    return items
