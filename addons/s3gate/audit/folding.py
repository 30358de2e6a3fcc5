"""A storm of refusals as one line: equal ones that come together are told once, with their number. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

ALIKE_MAX: Final = 5  # refusals of one client for one reason that are shown one by one at a time


@dataclass(slots=True)
class Told:
    """One line: a record, and how many like it it stands for."""

    record: Mapping[str, object]
    count: int = 1


def fold(records: Iterable[Mapping[str, object]], alike_max: int = ALIKE_MAX) -> list[Told]:
    """The lines for records that came together.

    Args:
        records: in order.
        alike_max: so many alike are shown one by one; more become one line, in the place of the first.

    Returns:
        Lines whose counts add up to the number of records.
    """
    groups: dict[object, list[Told]] = {}
    lines: list[Told] = []
    for number, record in enumerate(records):
        told = Told(record)
        lines.append(told)
        client = record.get("client")
        address = client.get("address") if isinstance(client, dict) else None
        denied = record.get("decision") == "deny"
        key: object = (address, record.get("reason")) if denied else number
        groups.setdefault(key, []).append(told)
    for group in groups.values():
        if len(group) > alike_max:
            first, *rest = group
            first.count = len(group)
            for told in rest:
                told.count = 0
    return [told for told in lines if told.count]
