"""An `egress` record → the words of the request that it records, and what it leaves out.

The normal case: name, target, client and signer stand in the record; the signature does not,
so the request is signed again as if by that key. What the record hides is said in a note:
the verdict may then be another than the one recorded.
"""

import re
from collections.abc import Mapping
from typing import Final

from s3gate.policy.described_request import UnusableRequest

# As `audit/redaction.py` writes them: a value that was left out, text that was cut off.
_LEFT_OUT: Final = re.compile(r"\[[0-9]+ bytes\]|\[redacted\]", re.ASCII)
_CUT: Final = re.compile(r"\.\.\.\[\+[0-9]+ characters sha256:[0-9a-f]{64}\]", re.ASCII)
_SIGNING: Final = ("x-amz-", "awsaccesskeyid=", "signature=", "expires=")
_STANDS_FOR: Final = "x"

_HEADERS_NOTE: Final = (
    "a record has no headers but Host and copy source: ACLs, owners and keys of encryption are not judged"
)


def describe_record(record: Mapping[str, object]) -> tuple[dict[str, object], str | None, tuple[str, ...]]:
    """The words of a recorded request, the access key id that signed it, and notes.

    Args:
        record: of event `egress` or `selftest`.

    Raises:
        UnusableRequest: the record names no host.
    """
    request, client, identity = (_part(record, one) for one in ("request", "client", "identity"))
    notes = [_recorded(record)]
    connect, host = _text(request, "connect"), _text(request, "host_header") or _text(request, "authority")
    name = host or (connect or "").removesuffix(":443")
    if not name or _CUT.search(name):
        raise UnusableRequest("the record names no whole host; what was refused was no request")
    method = _text(request, "method")
    if method in {None, "CONNECT"} or host is None:
        notes.append("it was refused before a request was read; judged as GET of its root")
        method, target = "GET", "/"
    else:
        target = _target(request, notes)
    user = _text(client, "user")
    if user is not None and record.get("reason") == "PROXY_AUTH_REQUIRED":
        notes.append("its user was claimed with a wrong password; judged without a user, --user says another")
        user = None
    sni = _text(request, "sni")
    fields: dict[str, object] = {
        "method": method,
        "url": f"{_text(request, 'scheme') or 'https'}://{name}{target}",
        "headers": [["Host", name], *_copied(request, notes)],
        "connect": connect,
        "sni": sni if sni is not None or host is not None else (connect or "").removesuffix(":443"),
        "client": _text(client, "address") or "127.0.0.1",
        "user": user,
        "vpc_endpoint": _text(client, "vpc_endpoint"),
    }
    if isinstance(record.get("time"), str):
        fields["now"] = record["time"]
    key_id, version = _text(identity, "access_key_id"), _text(identity, "signature_version")
    if key_id is not None and (version != "v4" or identity.get("presigned") is True):
        notes.append("its signature was another kind; judged as version 4 in the header")
    notes.append(_HEADERS_NOTE)
    return fields, key_id, tuple(notes)


def _recorded(record: Mapping[str, object]) -> str:
    would = record.get("would_deny")
    said = f"{record.get('decision')}, {record.get('reason')}" + (f" (would deny: {would})" if would else "")
    rule = record.get("rule")
    return f"recorded {record.get('time')}: {said}" + (f" by rule {rule}" if rule else "")


def _target(request: Mapping[str, object], notes: list[str]) -> str:
    """Path and query, without what signs; what the record leaves out stands as `x`."""
    target = _text(request, "target") or "/"
    if request.get("key_form", "full") != "full" or _CUT.search(target):
        notes.append(f"its key is not recorded whole; `{_STANDS_FOR}` stands for it")
        bucket = _text(request, "bucket") if _text(request, "style") == "path" else None
        operation = _text(request, "operation") or ""
        key = _STANDS_FOR if "Object" in operation and not operation.startswith("List") else None
        query = "" if _CUT.search(target) else target.partition("?")[2]
        target = "/" + "/".join(filter(None, (bucket, key))) + ("?" + query if query else "")
    path, mark, query = target.partition("?")
    kept = [one for one in query.split("&") if not one.lower().startswith(_SIGNING)]
    shown = "&".join(kept)
    if _LEFT_OUT.search(path + shown):
        notes.append(f"`{_STANDS_FOR}` stands for values that the record leaves out")
    text = path + (mark + shown if shown else "")
    return _LEFT_OUT.sub(_STANDS_FOR, text)


def _copied(request: Mapping[str, object], notes: list[str]) -> list[list[str]]:
    copied = request.get("copy_source")
    if not isinstance(copied, dict):
        return []
    key = copied.get("key")
    if not isinstance(key, str) or _CUT.search(key) or request.get("key_form", "full") != "full":
        notes.append(f"the key of its copy source is not recorded; `{_STANDS_FOR}` stands for it")
        key = _STANDS_FOR
    bucket = str(copied.get("bucket"))
    between = "/object/" if bucket.startswith("arn:") else "/"
    version = copied.get("version_id")
    named = bucket + between + _quoted(key) + (f"?versionId={version}" if isinstance(version, str) else "")
    return [["x-amz-copy-source", named]]


def _quoted(key: str) -> str:
    """A key as a header carries it: percent-encoded but for what needs none."""
    return "".join(
        chr(one) if (chr(one).isalnum() and one < 0x80) or chr(one) in "-._~/" else f"%{one:02X}"
        for one in key.encode("utf-8", "surrogatepass")
    )


def _part(record: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _text(part: Mapping[str, object], name: str) -> str | None:
    value = part.get(name)
    return value if isinstance(value, str) else None
