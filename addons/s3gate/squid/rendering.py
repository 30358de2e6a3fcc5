"""What is taken over of a whitelist → a policy file with comments. Pure.

The normal case: a rule for each name, `hosts` for AWS services, and on top what Squid could
not see. An account that is not given stays a marked hole, which `s3gate check` refuses.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from s3gate.squid.access import Network
from s3gate.squid.whitelist import Entry, Note, Whitelist

ACCOUNT_HOLE: Final = "ACCOUNT-ID"
"""In the place of an account that only its owner knows."""

REGION_HOLE: Final = "REGION"
NAME_CHARS: Final = 60
"""Characters of a rule's id, with room for a number: 64 are allowed."""

SHOWN_CHARS: Final = 100
"""Characters of a foreign line that a comment repeats."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What only a person can say.

    Args:
        allow: words for every rule's `allow`.
        accounts: accounts whose keys may be used with the listed services.
        source: name of the file, for the first comment.
    """

    allow: Sequence[str]
    accounts: Sequence[str]
    source: str


def render_policy(whitelist: Whitelist, wanted: Wanted) -> str:
    """The policy as text.

    Args:
        whitelist: what is taken over; nothing of it makes a policy that allows nothing.
        wanted: what Squid did not know.
    """
    rules = [one for one in whitelist.entries if one.target.endpoint is not None]
    hosts = [one for one in whitelist.entries if one.target.endpoint is None]
    cells = _cells(whitelist)
    lines = [
        f"# Taken over from {_shown(wanted.source)} by `s3gate import squid`.",
        "# Squid compared the CONNECT name alone. New here, and to be narrowed by whoever knows the data:",
        f"# - operations: Squid let all of them pass; here {', '.join(wanted.allow)}. What else was used is",
        "#   refused: see it with `mode: monitor` first, and let `s3gate suggest` list it.",
        "# - keys, accounts and owners are not limited yet: `keys:`, `accounts:`, `owner:`.",
    ]
    if whitelist.notes:
        lines += ["#", "# Not taken over:", *_noted(whitelist.notes)]
    lines += ["version: 1", *_endpoints(rules)]
    if cells.networks:
        lines.append("clients:")
        for name, networks in cells.networks.items():
            lines.append(f"  {name}: {{cidrs: [{', '.join(map(_quoted, networks))}]}}")
    lines += ["rules:", *_rules(rules, cells, wanted)] if rules else ["rules: []"]
    if hosts:
        lines += ["hosts:", *_hosts(hosts, wanted)]
    return "\n".join(lines) + "\n"


def _endpoints(rules: Iterable[Entry]) -> list[str]:
    places = [one.target.endpoint for one in rules if one.target.endpoint is not None]
    partitions = sorted({one.partition for one in places}) or ["aws"]
    regions = sorted({one.region for one in places if one.region is not None}) or [REGION_HOLE]
    classes = sorted({str(kind.value) for one in places for kind in one.needs}) or ["standard"]
    ids = sorted({one.vpce for one in places if one.vpce is not None})
    lines = [
        "endpoints:",
        f"  partitions: [{', '.join(partitions)}]",
        f"  regions: [{', '.join(regions)}]",
        f"  classes: [{', '.join(classes)}]",
    ]
    return lines + ([f"  vpce: [{', '.join(ids)}]"] if ids else [])


@dataclass(frozen=True, slots=True)
class Cells:
    """Client groups that share no client: s3gate puts each client in one group, Squid in many acls.

    Args:
        networks: of each group, by its name.
        members: the acls in which every client of the group is, by its name.
    """

    networks: dict[str, list[Network]]
    members: dict[str, frozenset[str]]

    def of(self, acls: Iterable[str]) -> list[str]:
        """The groups that together hold the clients of these acls."""
        return [name for name, members in self.members.items() if not members.isdisjoint(acls)]


def _cells(whitelist: Whitelist) -> Cells:
    """Each network goes to the group of just those acls that hold it whole; the longest prefix wins."""
    networks = {name: _collapsed(found) for name, found in whitelist.clients.items()}
    cells: dict[frozenset[str], list[Network]] = {}
    for network in dict.fromkeys(one for found in networks.values() for one in found):
        members = frozenset(
            name for name, found in networks.items() if any(_inside(network, one) for one in found)
        )
        cells.setdefault(members, []).append(network)
    used: set[str] = set()
    names = {_unused(_name("-".join(sorted(members))), used): members for members in cells}
    return Cells({name: cells[members] for name, members in names.items()}, names)


def _collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    kept = list(networks)
    four = collapse_addresses(one for one in kept if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in kept if isinstance(one, IPv6Network))
    return (*four, *six)


def _rules(rules: Sequence[Entry], cells: Cells, wanted: Wanted) -> list[str]:
    lines: list[str] = []
    used: set[str] = set()
    several = len({one.target.endpoint.partition for one in rules if one.target.endpoint is not None}) > 1
    for entry in _merged(rules):
        target = entry.target
        label = (
            target.value.rpartition("/")[2]
            if target.key == "access_point"
            else target.value.partition(".s3")[0]
        )
        lines += [
            f"  # {', '.join(map(str, entry.places[:3]))}",
            f"  - id: {_unused(_name(label), used)}",
            f"    {target.key}: {target.value}",
            f"    allow: [{', '.join(wanted.allow)}]",
        ]
        if several and target.key == "bucket" and target.endpoint is not None:
            lines.append(f"    partition: {target.endpoint.partition}")
        if entry.groups:
            lines.append(f"    clients: [{', '.join(cells.of(entry.groups))}]")
    return lines


def _merged(rules: Iterable[Entry]) -> list[Entry]:
    """One entry for each target: several names may become one bucket."""
    found: dict[tuple[str, str, str], Entry] = {}
    for one in rules:
        partition = one.target.endpoint.partition if one.target.endpoint is not None else ""
        key = (one.target.key, one.target.value, partition)
        known = found.get(key)
        if known is None:
            found[key] = one
            continue
        everyone = not known.groups or not one.groups
        groups = () if everyone else tuple(dict.fromkeys((*known.groups, *one.groups)))
        found[key] = Entry(known.target, (*known.places, *one.places), groups)
    return list(found.values())


def _inside(one: Network, other: Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type] # the same version


def _hosts(hosts: Iterable[Entry], wanted: Wanted) -> list[str]:
    lines: list[str] = []
    accounts = ", ".join(f'"{one}"' for one in wanted.accounts) or ACCOUNT_HOLE
    for entry in hosts:
        lines.append(f"  # {', '.join(map(str, entry.places[:3]))}")
        lines += [f"  - name: {entry.target.value}", f"    accounts: [{accounts}]"]
    return lines


def _noted(notes: Iterable[Note]) -> list[str]:
    return [f"# - {_shown(str(one.place))}: `{_shown(one.text)}`: {one.why}" for one in notes]


def _name(text: str) -> str:
    """A name of a rule or group as the policy's grammar wants it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:NAME_CHARS] or "rule"


def _unused(name: str, used: set[str]) -> str:
    found, number = name, 1
    while found in used:
        number += 1
        found = f"{name}-{number}"
    used.add(found)
    return found


def _quoted(network: Network) -> str:
    return f'"{network}"' if ":" in str(network) else str(network)


def _shown(text: str) -> str:
    """Text of another file in a comment: on one line, nothing that a terminal or YAML would obey."""
    kept = "".join(one if one.isascii() and one.isprintable() else "?" for one in text)
    return kept if len(kept) <= SHOWN_CHARS else kept[:SHOWN_CHARS] + "..."
