"""What a trail says to a person: who was refused what, and what was let through. Pure.

The normal case is one pass over the records, in any order and with repetitions: refusals
are one line for each client and reason, however many they are, so that a storm is a line
with a count; the names of what was asked for are kept up to a bound, and of each record
the 8 bytes by which a repetition is known.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

GROUPS_MAX: Final = 20_000  # clients times reasons that are kept apart
TARGETS_MAX: Final = 1_000  # names that one line keeps; beyond this it says "more than"
BUCKETS_MAX: Final = 20_000  # allowed buckets: as many as a policy lists
MINUTE: Final = 16  # characters of `2026-11-22T08:30`
OTHERS: Final = "(others)"
PAGE: Final = 64  # records whose hashes are kept together: a number far from all others costs half a KiB
_EMPTY: Final = array("q", bytes(PAGE * 8))


@dataclass(slots=True)
class Refused:
    """What one client was refused for one reason.

    Args:
        client: its address.
        reason: the code.
        count: how often.
        first: time of the first, as records write it.
        last: time of the last.
        decision_id: of the last, as the user was shown it.
        targets: what was asked for: bucket, or host.
        operations: which operations.
        users: who.
        more: whether there were more targets than are kept.
    """

    client: str
    reason: str
    count: int = 0
    first: str = ""
    last: str = ""
    decision_id: str = ""
    targets: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    users: set[str] = field(default_factory=set)
    more: bool = False


@dataclass(slots=True)
class Passed:
    """What was let through to one bucket or host.

    Args:
        target: its name.
        requests: how many were allowed.
        completed: how many of them are known to have ended well.
        failed: how many ended otherwise.
        bytes_up: body bytes to it.
        bytes_down: body bytes from it.
        first: time of the first.
        last: time of the last.
        clients: who.
    """

    target: str
    requests: int = 0
    completed: int = 0
    failed: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    first: str = ""
    last: str = ""
    clients: set[str] = field(default_factory=set)


class Summary:
    """Takes in records one by one.

    Args:
        since: records before this time are left out, as records write it; empty for all.
    """

    def __init__(self, since: str = "") -> None:
        self.since = since
        self.records = self.repeated = self.allowed = self.denied = self.monitored = 0
        self.first = self.last = ""
        self.events: Counter[str] = Counter()
        self.refused: dict[tuple[str, str], Refused] = {}
        self.passed: dict[str, Passed] = {}
        self.by_minute: dict[str, Counter[str]] = {}
        self._seen: dict[tuple[object, int], array[int]] = {}
        self._seen_beside: set[int] = set()  # of chains that carry one name
        self._open: dict[object, str] = {}
        self._ended: dict[object, tuple[bool, int, int]] = {}

    def add(self, record: Mapping[str, object]) -> None:
        """Take in one record."""
        time = str(record.get("time") or "")
        if time < self.since:
            return
        if self._repeats(record):
            self.repeated += 1
            return
        self.records += 1
        event = str(record.get("event"))
        self.events[event] += 1
        if time:
            self.first = min(self.first or time, time)
            self.last = max(self.last, time)
        if event == "egress":
            self._decided(record, time)
        elif event == "completion":
            self._completed(record)

    def refusals(self) -> list[Refused]:
        """One for each client and reason, most frequent first."""
        return sorted(self.refused.values(), key=lambda one: (-one.count, one.client, one.reason))

    def passages(self) -> list[Passed]:
        """One for each bucket or host, most bytes first."""
        return sorted(
            self.passed.values(),
            key=lambda one: (-(one.bytes_up + one.bytes_down), -one.requests, one.target),
        )

    def reasons(self) -> Counter[str]:
        """Refusals by reason."""
        return _total((one.reason, one.count) for one in self.refused.values())

    def clients(self) -> Counter[str]:
        """Refusals by client."""
        return _total((one.client, one.count) for one in self.refused.values())

    def _repeats(self, record: Mapping[str, object]) -> bool:
        """Whether this very record was seen; those outside of a chain never are.

        The number alone does not tell: a host that was replaced by one of its name begins anew with 1.
        """
        writer, seq, sealed = (record.get(name) for name in ("writer", "seq", "hash"))
        if not isinstance(writer, str) or not isinstance(seq, int) or not isinstance(sealed, str):
            return False
        page = self._seen.get((writer, seq // PAGE))
        if page is None:
            page = self._seen[writer, seq // PAGE] = array("q", _EMPTY)
        own = hash((writer, seq, sealed)) or 1  # 0 stands for an empty place
        first = page[seq % PAGE]
        if not first:
            page[seq % PAGE] = own
        if first in (0, own):
            return first == own
        again = own in self._seen_beside
        self._seen_beside.add(own)
        return again

    def _decided(self, record: Mapping[str, object], time: str) -> None:
        request, client = _mapping(record.get("request")), _mapping(record.get("client"))
        target = str(request.get("bucket") or request.get("host") or request.get("connect") or "-")
        address = str(client.get("address"))
        if record.get("decision") == "deny":
            self.denied += 1
            self._refuse(record, time, address, target)
            return
        self.allowed += 1
        self.monitored += record.get("reason") == "MONITOR_ONLY"
        passed = self._passed(target)
        passed.requests += 1
        passed.first, passed.last = min(passed.first or time, time), max(passed.last, time)
        if len(passed.clients) < TARGETS_MAX:
            passed.clients.add(address)
        decision = record.get("decision_id")
        if (ended := self._ended.pop(decision, None)) is not None:
            _end(passed, *ended)
        else:
            self._open[decision] = passed.target

    def _refuse(self, record: Mapping[str, object], time: str, address: str, target: str) -> None:
        reason, request = str(record.get("reason")), _mapping(record.get("request"))
        key = (address, reason)
        if key not in self.refused and len(self.refused) >= GROUPS_MAX:
            key = (OTHERS, reason)
        group = self.refused.setdefault(key, Refused(*key))
        group.count += 1
        group.first = min(group.first or time, time)
        if time >= group.last:
            group.last, group.decision_id = time, str(record.get("decision_id"))
        if target in group.targets or len(group.targets) < TARGETS_MAX:
            group.targets[target] += 1
        else:
            group.more = True
        group.operations[str(request.get("operation") or "-")] += 1
        user = _mapping(record.get("client")).get("user")
        if user and len(group.users) < TARGETS_MAX:
            group.users.add(str(user))
        self.by_minute.setdefault(time[:MINUTE], Counter())[reason] += 1

    def _completed(self, record: Mapping[str, object]) -> None:
        transfer = _mapping(record.get("transfer"))
        up, down = _whole(transfer.get("bytes_up")), _whole(transfer.get("bytes_down"))
        ended = (record.get("outcome") == "completed", up, down)
        target = self._open.pop(record.get("decision_id"), None)
        if target is None:
            self._ended[record.get("decision_id")] = ended
        else:
            _end(self._passed(target), *ended)

    def _passed(self, target: str) -> Passed:
        if target not in self.passed and len(self.passed) >= BUCKETS_MAX:
            target = OTHERS
        return self.passed.setdefault(target, Passed(target))


def _end(passed: Passed, well: bool, up: int, down: int) -> None:
    passed.completed += well
    passed.failed += not well
    passed.bytes_up += up
    passed.bytes_down += down


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _total(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, count in pairs:
        total[name] += count
    return total
