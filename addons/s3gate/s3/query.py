"""A raw query string becomes names and values, decoded exactly once.

The normal case is what SDKs send: `list-type=2&prefix=a%2Fb`. Where readers are
known to differ the text is not guessed: a raw `+` (plus or space), a raw `;`
(separator or not) and a repeated name are kept as they are and reading *that*
parameter refuses. Names match case-sensitively, in any position, with or without `=`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from s3gate.s3.refusal import AmbiguousTarget, MalformedRequest

MAX_QUERY_CHARACTERS: Final = 16_384
"""Characters of one query: S3 takes 8 KB of headers and target, hoisted headers grow when escaped."""

MAX_PARAMETERS: Final = 128
"""Parameters in one query. GetObject has 8 and a presigned URL hoists at most the headers of a head."""

# RFC 3986 3.4: query = *( pchar / "/" / "?" ); beyond it the printable ASCII that some clients leave raw.
# `%` is judged while decoding.
_QUERY: Final = re.compile(r"[!-\"$-\[\]-~]*", re.ASCII)
_ESCAPED: Final = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.ASCII)

# The one value whose grammar has `;`: SigV4 writes `host;x-amz-date`, and some signers leave it raw.
_SEMICOLON_FREE: Final = frozenset({"X-Amz-SignedHeaders"})


@dataclass(frozen=True, slots=True)
class Query:
    """A query, decoded once; its repr shows no values, which may be a signature.

    Args:
        raw: the text after the first `?`, as sent.
        pairs: decoded names and values in order; a name without `=` has the value "".
        values: name → value; of a repeated name the first.
        doubtful: name → why this parameter has no single reading.
    """

    raw: str = field(repr=False)
    pairs: tuple[tuple[str, str], ...] = field(repr=False)
    values: Mapping[str, str] = field(repr=False)
    doubtful: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value of the parameter spelled exactly `name`.

        Returns:
            The decoded value, "" for a bare name, None when it is absent.

        Raises:
            AmbiguousTarget: the name is repeated, or its text has two readings.
        """
        if name in self.doubtful:
            raise AmbiguousTarget(self.doubtful[name])
        return self.values.get(name)

    def __contains__(self, name: str) -> bool:
        """Whether a parameter is spelled exactly `name`."""
        return name in self.values

    def refuse_doubt(self) -> None:
        """Refuse the whole query when any parameter has two readings.

        Raises:
            AmbiguousTarget: see `get`.
        """
        for detail in self.doubtful.values():
            raise AmbiguousTarget(detail)


_EMPTY: Final = Query("", (), {}, {})


def parse_query(raw: str) -> Query:
    """Read the text after the first `?` of a target.

    Args:
        raw: the query as sent, "" when there is none.

    Returns:
        The decoded pairs; parameters of doubtful reading are known by name.

    Raises:
        MalformedRequest: a character that no query holds, or too many parameters.
        AmbiguousTarget: a broken percent escape, bytes that are not UTF-8, or an empty name.
    """
    if not raw:
        return _EMPTY
    if _QUERY.fullmatch(raw) is None:
        raise MalformedRequest(
            "the query holds a space, `#`, a backslash, a control or a byte outside ASCII; percent-encode it"
        )
    parts = raw.split("&")
    if len(raw) > MAX_QUERY_CHARACTERS or len(parts) > MAX_PARAMETERS:
        raise MalformedRequest(
            f"the query has more than {MAX_PARAMETERS} parameters or {MAX_QUERY_CHARACTERS} characters"
        )
    pairs: list[tuple[str, str]] = []
    values: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    for part in parts:
        if not part:
            continue
        raw_name, _, raw_value = part.partition("=")
        name = _decode(raw_name) if "%" in raw_name else raw_name
        value = _decode(raw_value) if "%" in raw_value else raw_value
        if not name:
            raise AmbiguousTarget("a query parameter has no name; remove the stray `=`")
        if name in values:
            doubtful[name] = f"query parameter {_shown(name)} is repeated; send it once"
        else:
            values[name] = value
        if "+" in part:
            doubtful[name] = f"query parameter {_shown(name)} holds a raw `+`; write %2B or %20"
        elif ";" in part and (name not in _SEMICOLON_FREE or ";" in raw_name):
            doubtful[name] = f"query parameter {_shown(name)} holds a raw `;`; write %3B"
        pairs.append((name, value))
    return Query(raw, tuple(pairs), values, doubtful)


def decode_once(text: str, where: str) -> str:
    """Percent-decode ASCII text exactly once, as UTF-8.

    Args:
        text: encoded text; `+` stays a plus.
        where: what the text is, for the sentence of a refusal.

    Raises:
        AmbiguousTarget: a broken escape, or bytes that are not UTF-8.
    """
    if _ESCAPED.fullmatch(text) is None:
        raise AmbiguousTarget(f"{where} has a broken percent escape; write `%` as %25")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise AmbiguousTarget(f"{where} does not decode to UTF-8; encode its bytes as UTF-8") from exc


def _decode(text: str) -> str:
    return decode_once(text, "the query")


def _shown(name: str) -> str:
    """A parameter name for a sentence: short and printable."""
    return "`" + (name if name.isprintable() else ascii(name)).replace("`", "'")[:64] + "`"
