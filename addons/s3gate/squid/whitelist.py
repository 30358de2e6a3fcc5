"""A whitelist of Squid → what s3gate takes over, and a note for each line that it does not.

The normal case: a plain list of names, or the acl and http_access lines of a squid.conf.
A name is taken over when Squid would have let a CONNECT to it through for certain, to
everyone or to the clients of one acl, and when it names one thing exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from s3gate.squid.access import Access, Network, Rule, Truth, read_access, read_networks
from s3gate.squid.statement import (
    Place,
    Statement,
    Unreadable,
    Value,
    is_configuration,
    read_list,
    read_statements,
)
from s3gate.squid.translation import Refused, Target, translate

# Other directives that decide who reaches what (squid.conf.documented, "ACCESS CONTROLS" and beside).
_ALSO_DECIDES: Final = frozenset(
    {
        "adapted_http_access", "cache_peer_access", "external_acl_type", "http_access2", "http_reply_access",
        "miss_access", "ssl_bump", "url_rewrite_access", "url_rewrite_program",
    }
)  # fmt: skip
_CERTAIN: Final = frozenset({"dstdomain", "src", "port", "method"})


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is not taken over, or not as it stands.

    Args:
        text: what stands there.
        why: one sentence.
        step: what to do, or None.
    """

    place: Place
    text: str
    why: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A name that is taken over.

    Args:
        target: what it becomes.
        places: lines that list it.
        groups: acls of clients that may use it; empty: everyone.
    """

    target: Target
    places: tuple[Place, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whitelist:
    """What a file comes to.

    Args:
        entries: in the order of the file.
        notes: likewise.
        clients: networks of each acl that an entry names.
    """

    entries: tuple[Entry, ...]
    notes: tuple[Note, ...]
    clients: dict[str, tuple[Network, ...]]


def read_whitelist(path: Path, *, by_bucket: bool = False) -> Whitelist:
    """The whitelist in a file.

    Args:
        path: a plain list, or a squid.conf.
        by_bucket: see `translate`.

    Raises:
        Unreadable: it cannot be read, or Squid would not take it.
    """
    if is_configuration(path):
        return _configured(read_statements(path), by_bucket=by_bucket)
    found, notes = _translated(read_list(path), by_bucket=by_bucket)
    entries = tuple(Entry(target, places) for target, places in found)
    return Whitelist(entries, tuple(notes), {})


def _configured(statements: Sequence[Statement], *, by_bucket: bool) -> Whitelist:
    access = read_access(statements)
    if not access.rules:
        raise Unreadable("it has no http_access line, so Squid lets nothing pass; name the list itself")
    used = {name.removeprefix("!") for rule in access.rules for name in rule.acls}
    values = [
        v for acl in access.acls.values() if acl.kind == "dstdomain" and acl.name in used for v in acl.values
    ]
    found, notes = _translated(values, by_bucket=by_bucket)
    entries: list[Entry] = []
    for target, places in found:
        granted = access.grant(target.name)
        if granted.everyone:
            entries.append(Entry(target, places))
        elif granted.groups and target.key == "host":
            why = f"Squid let {', '.join(granted.groups)} alone use it; `hosts` are for every client"
            notes.append(Note(places[0], target.name, why, "add it under `hosts` if every client may"))
        elif granted.groups:
            entries.append(Entry(target, places, granted.groups))
        else:
            notes.append(Note(places[0], target.name, _why_not(granted.stopped)))
    notes += [*_lines(access, used), *_others(statements)]
    groups = {name for entry in entries for name in entry.groups}
    clients = {name: tuple(read_networks(access.acls[name]) or ()) for name in access.acls if name in groups}
    return Whitelist(tuple(entries), tuple(sorted(notes, key=lambda one: one.place)), clients)


def _translated(
    values: Iterable[Value], *, by_bucket: bool
) -> tuple[list[tuple[Target, tuple[Place, ...]]], list[Note]]:
    found: dict[Target, list[Place]] = {}
    notes: list[Note] = []
    for value in values:
        target = translate(value.text, by_bucket=by_bucket)
        if isinstance(target, Refused):
            notes.append(Note(value.place, value.text, target.why, target.step))
        else:
            found.setdefault(target, []).append(value.place)
    return [(target, tuple(places)) for target, places in found.items()], notes


def _why_not(stopped: Rule | None) -> str:
    if stopped is None:
        return "no http_access line allows it for certain"
    return f"`{stopped}` ({stopped.place}) comes first and may refuse it to some; who is left cannot be told"


def _lines(access: Access, used: set[str]) -> Iterable[Note]:
    """Notes on acl and http_access lines as such."""
    for acl in access.acls.values():
        place, text = acl.places[0], f"acl {acl.name} {acl.kind}"
        if acl.name not in used:
            text = " ".join((text, *(value.text for value in acl.values)))
            yield Note(place, text, "no http_access line uses it")
        elif acl.kind in {"dstdom_regex", "url_regex", "urlpath_regex"}:
            for value in acl.values:
                why = "a regular expression: it also matches names that nobody foresaw"
                yield Note(value.place, value.text, why, "list each name exactly")
        elif acl.kind == "proxy_auth":
            yield Note(
                place, text, "users of Squid are not taken over", "list them under `clients`, `users:`"
            )
        elif acl.kind not in _CERTAIN:
            yield Note(place, text, f"acls of kind `{acl.kind}` have no counterpart here")
        elif acl.kind == "src" and read_networks(acl) is None:
            yield Note(
                place, text, "one of its values is no network for certain; s3gate asks no DNS about clients"
            )
    for rule in access.rules:
        yield from _line(access, rule)
    last = access.open_at_end
    if last is not None:
        why = "the last line denies, so Squid allows all that no line matches; s3gate never does"
        yield Note(last.place, str(last), why, "see in monitor mode what goes there")


def _line(access: Access, rule: Rule) -> Iterable[Note]:
    kinds = {
        access.acls[one.removeprefix("!")].kind for one in rule.acls if one.removeprefix("!") in access.acls
    }
    if rule.allows and "dstdomain" not in kinds and "dstdom_regex" not in kinds:
        why = "it allows every destination; s3gate takes over names only"
        if all(access.truth(one, "s3gate.invalid") is not Truth.NO for one in rule.acls):
            yield Note(rule.place, str(rule), why)
    elif rule.allows and any(one.startswith("!") for one in rule.acls):
        yield Note(
            rule.place, str(rule), "its `!` is taken into account for each name, not taken over as such"
        )
    elif not rule.allows and "dstdomain" in kinds:
        yield Note(
            rule.place, str(rule), "what it refuses is left out; s3gate refuses what is not listed anyway"
        )


def _others(statements: Iterable[Statement]) -> Iterable[Note]:
    for one in statements:
        if one.word in _ALSO_DECIDES:
            text = " ".join((one.word, *(value.text for value in one.values)))
            yield Note(one.place, text, "it may have refused more than http_access did; it is not taken over")
