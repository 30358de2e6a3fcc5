"""The attacks as data: what a client sends, byte by byte, what the gate must say to it, and why S3 would obey.

Each file of `attacks/` is one class of attack: `why` says what real S3 (or a sloppy
reader between) would make of it, `rows` are the attacks. A row is an object:

- `name`: unique in its file.
- `connect`: the target of its CONNECT; null: no tunnel, the bytes go to the proxy as they are.
- `sni`: server name in the tunnel; absent: that of the CONNECT; null: none; "raw": `send` itself is the TLS.
- `send`: the bytes, inside TLS where there is one. UTF-8, a byte that is not UTF-8 as `\\udcXX`.
  `{signed}` stands for the three header lines of a SigV4 signature, `{signed:a;b}` for one that
  signs the headers a and b too, `{N*c}` for N times c, `{hex:…}` for those bytes.
- `reason`: what the journal holds of it, a list when there are more records, [] for none.
- `judged`: what `decide_request` says, when it is asked for the very request without a wire; absent: the
  same as `reason`, null: it cannot be asked that (the bytes are not one request).
- `status`: of the answer, when it is not 403.
- `passes`: request targets that S3 rightly sees.
- `dns`: what the name server answers: name to list of addresses, or to fields of an `Answer`.
- `answer`: what S3 answers, in place of 200.
- `why`: for this row alone.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ATTACKS: Final = Path(__file__).with_name("attacks")
KEY: Final = "ASIAY34FZKBOKMUTVV7A"  # of account 609629065308, which the policy lists
DATE: Final = "20261122"
REGION: Final = "ap-northeast-1"
RAW: Final = "raw"
SAME: Final = "same"
_MACRO: Final = re.compile(r"\{(?:signed(?::([^}]*))?|(\d+)\*([^}]+)|hex:([0-9a-fA-F ]*))\}")

Told = Sequence[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Attack:
    """One row."""

    name: str
    category: str
    connect: str | None
    sni: str | None
    send: bytes
    reasons: tuple[str, ...]
    judged: str | None
    why: str
    status: int = 403
    passes: tuple[str, ...] = ()
    dns: Mapping[str, Told] = field(default_factory=dict, hash=False)
    answer: bytes | None = None

    def __str__(self) -> str:
        return f"{self.category}: {self.name}"


def signed_lines(names: str = "", key: str = KEY) -> str:
    """The three header lines of a signature over `host`, the two it brings along, and `names`."""
    signed = sorted({"host", "x-amz-content-sha256", "x-amz-date", *filter(None, names.split(";"))})
    return (
        f"Authorization: AWS4-HMAC-SHA256 Credential={key}/{DATE}/{REGION}/s3/aws4_request, "
        f"SignedHeaders={';'.join(signed)}, Signature={'a' * 64}\r\n"
        f"X-Amz-Date: {DATE}T120000Z\r\nX-Amz-Content-SHA256: UNSIGNED-PAYLOAD"
    )


def to_bytes(text: str) -> bytes:
    """A row's text as it goes over the wire."""
    out = b""
    at = 0
    for found in _MACRO.finditer(text):
        out += text[at : found.start()].encode("utf-8", "surrogateescape")
        names, count, what, hexed = found.groups()
        if hexed is not None:
            out += bytes.fromhex(hexed)
        elif count is not None:
            out += what.encode() * int(count)
        else:
            out += signed_lines(names or "").encode()
        at = found.end()
    return out + text[at:].encode("utf-8", "surrogateescape")


def load(path: Path) -> Iterator[Attack]:
    """The rows of one file."""
    table = json.loads(path.read_text(encoding="utf-8"))
    for row in table["rows"]:
        told = row["reason"]
        reasons = tuple(told) if isinstance(told, list) else (told,)
        yield Attack(
            name=row["name"],
            category=path.stem,
            connect=row["connect"],
            sni=row.get("sni", SAME),
            send=to_bytes(row["send"]),
            reasons=reasons,
            judged=row["judged"] if "judged" in row else reasons[-1] if reasons else None,
            why=row.get("why", table["why"]),
            status=row.get("status", 403),
            passes=tuple(row.get("passes", ())),
            dns=row.get("dns", {}),
            answer=to_bytes(row["answer"]) if "answer" in row else None,
        )


def load_all() -> list[Attack]:
    """Every row of every file."""
    return [attack for path in sorted(ATTACKS.glob("*.json")) for attack in load(path)]
