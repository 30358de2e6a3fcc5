"""What Squid would have said to `CONNECT name:443`, by its acl and http_access lines. Pure.

The normal case: a name on a dstdomain list, `http_access allow` that list, `http_access
deny all`. As Squid evaluates it:

1. the lines of http_access in order; one matches when each of its acls does, `!` negates;
2. the first that matches decides; a line that only some clients match decides for them;
3. when none matches, the opposite of the last line;
4. an acl has the values of all its lines, one of which must match.

Nothing is guessed: an acl whose answer for a name is not known (a regular expression, a time,
a user) lets a line neither allow nor be passed over: no allow comes from such a line, and
behind such a deny nothing is taken over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from typing import Final

from s3gate.squid.statement import Place, Statement, Unreadable, Value

type Network = IPv4Network | IPv6Network

HTTPS_PORT: Final = 443
_FLAGS: Final = frozenset({"-n", "-i", "-m", "--", "+i"})
# What Squid 5 defines by itself (squid.conf.documented, acl, "Some acl are built-in"), as far as a
# CONNECT to an AWS name can match it: those names resolve to no address of the proxy itself.
_BUILT_IN: Final = {
    "all": True,
    "manager": False,
    "to_localhost": False,
    "to_linklocal": False,
    "CONNECT": True,
}


# Spellings of `all` that Squid 5.7 was seen to take for it; `::/0` and `10.0.0.0/0` matched nobody there.
_EVERYBODY: Final = frozenset({"all", "0.0.0.0/0", "0.0.0.0/0.0.0.0", "0.0.0.0-255.255.255.255"})


class Truth(Enum):
    """Whether an acl matches a CONNECT to a name."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    CLIENT = "client"
    """It hangs on the client's address."""


@dataclass(slots=True)
class Acl:
    """One acl with the values of all its lines."""

    name: str
    kind: str
    values: list[Value] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of http_access."""

    allows: bool
    acls: tuple[str, ...]
    place: Place

    def __str__(self) -> str:
        """As it was written."""
        return " ".join(("http_access", "allow" if self.allows else "deny", *self.acls))


@dataclass(frozen=True, slots=True)
class Granted:
    """What Squid let through for one name.

    Args:
        everyone: whether every client may.
        groups: acls of type src, each of which may.
        stopped: the line behind which nothing could be told, or None.
    """

    everyone: bool
    groups: tuple[str, ...]
    stopped: Rule | None


@dataclass(frozen=True, slots=True)
class Access:
    """The acls and http_access lines of a configuration."""

    acls: Mapping[str, Acl]
    rules: Sequence[Rule]

    def grant(self, name: str) -> Granted:
        """What Squid lets through for a CONNECT to port 443 of a canonical name."""
        groups: list[str] = []
        for rule in self.rules:
            truths = [(one, self.truth(one, name)) for one in rule.acls]
            said = {truth for _, truth in truths}
            if Truth.NO in said:
                continue
            clients = [one for one, truth in truths if truth is Truth.CLIENT]
            if said <= {Truth.YES}:
                return Granted(rule.allows, tuple(groups), None)
            certain = Truth.UNKNOWN not in said and len(clients) == 1
            if not rule.allows:
                return Granted(False, tuple(groups), rule)
            if certain and clients[0] not in groups:
                groups.append(clients[0])
        return Granted(False, tuple(groups), None)

    def truth(self, written: str, name: str) -> Truth:
        """Whether an acl, as a line writes it, matches a CONNECT to a name."""
        if written.startswith("!"):
            found = self.truth(written[1:], name)
            return {Truth.YES: Truth.NO, Truth.NO: Truth.YES}.get(found, Truth.UNKNOWN)
        acl = self.acls.get(written)
        if acl is None:
            known = _BUILT_IN.get(written)
            if known is None:
                return Truth.UNKNOWN
            return Truth.YES if known else Truth.NO
        if acl.kind == "dstdomain":
            return _either(any(matches(value.text, name) for value in acl.values))
        if acl.kind == "port":
            return _either(any(_holds_port(value.text) for value in acl.values))
        if acl.kind == "method":
            return _either(any(value.text == "CONNECT" for value in acl.values))
        if acl.kind == "src":
            networks = read_networks(acl)
            if networks is None:
                return Truth.UNKNOWN
            return Truth.YES if any(one.prefixlen == 0 for one in networks) else Truth.CLIENT
        return Truth.UNKNOWN

    @property
    def open_at_end(self) -> Rule | None:
        """The last line, when it denies: what matches no line is allowed then."""
        last = self.rules[-1] if self.rules else None
        return last if last is not None and not last.allows and last.acls != ("all",) else None


def read_access(statements: Iterable[Statement]) -> Access:
    """The acls and http_access lines among statements.

    Raises:
        Unreadable: Squid would refuse them: an acl of two kinds, or one that is used and not defined.
    """
    acls: dict[str, Acl] = {}
    rules: list[Rule] = []
    for one in statements:
        words = [value.text for value in one.values]
        if one.word == "acl" and len(words) >= 2:
            acl = acls.setdefault(words[0], Acl(words[0], words[1]))
            if acl.kind != words[1]:
                kinds = f"`{acl.kind}` and `{words[1]}`"
                raise Unreadable(f"{one.place}: acl `{words[0]}` is of kinds {kinds}; Squid refuses that")
            acl.places.append(one.place)
            acl.values += [value for value in one.values[2:] if value.text not in _FLAGS]
        elif one.word == "http_access" and words and words[0] in {"allow", "deny"}:
            for name in words[1:]:
                bare = name.removeprefix("!")
                if bare not in acls and bare not in _BUILT_IN and bare != "localhost":
                    raise Unreadable(f"{one.place}: acl `{bare}` is not defined above; Squid refuses that")
            rules.append(Rule(words[0] == "allow", tuple(words[1:]), one.place))
    return Access(acls, rules)


def matches(value: str, name: str) -> bool:
    """Whether a value of a dstdomain list matches a canonical name, as Squid 5.7 was seen to."""
    folded = value.lower()
    if folded.startswith("."):
        return name == folded[1:] or name.endswith(folded)
    return name == folded


def read_networks(acl: Acl) -> list[Network] | None:
    """The networks of an acl of kind src; None when one of its values is none."""
    networks: list[Network] = []
    for value in acl.values:
        text = value.text
        if text in _EVERYBODY:
            return [ip_network("0.0.0.0/0"), ip_network("::/0")]
        try:
            networks += _range(text) if "-" in text else [_network(text)]
        except ValueError:
            return None
    return networks


def _network(text: str) -> Network:
    """A network; an inverted mask (0.0.255.255) is one to Python, and matched nobody of it in Squid 5.7."""
    network = ip_network(text, strict=False)
    mask = text.partition("/")[2]
    if network.prefixlen == 0 or ("." in mask and mask != str(network.netmask)):
        raise ValueError("not the clients that it seems to name")
    return network


def _range(text: str) -> list[Network]:
    first, _, last = text.partition("-")
    ends = ip_address(first), ip_address(last)
    if isinstance(ends[0], IPv4Address) and isinstance(ends[1], IPv4Address):
        return list(summarize_address_range(ends[0], ends[1]))
    if isinstance(ends[0], IPv6Address) and isinstance(ends[1], IPv6Address):
        return list(summarize_address_range(ends[0], ends[1]))
    raise ValueError("a range of two kinds of addresses")


def _holds_port(text: str) -> bool:
    first, _, last = text.partition("-")
    if not first.isdecimal() or (last and not last.isdecimal()):
        return False
    return int(first) <= HTTPS_PORT <= int(last or first)


def _either(found: bool) -> Truth:
    return Truth.YES if found else Truth.NO
