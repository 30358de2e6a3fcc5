"""A bounded queue that serves its askers in turn. Pure.

The normal case: one item of each asker, first come, first served. Who puts in many waits
behind everybody else's next one, and beyond a limit is turned away.
"""

from collections import OrderedDict, deque


class Full(Exception):
    """There is no room, for this asker or at all."""


class FairQueue[T]:
    """Items by asker; each asker's turn comes once a round.

    Args:
        most: items in all.
        most_each: items of one asker.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._items: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """Items that wait."""
        return self._count

    def put(self, asker: str, item: T) -> None:
        """Add an item.

        Raises:
            Full: too many wait.
        """
        waiting = self._items.get(asker)
        if self._count >= self._most or (waiting is not None and len(waiting) >= self._most_each):
            raise Full
        if waiting is None:
            waiting = self._items[asker] = deque()
        waiting.append(item)
        self._count += 1

    def take(self) -> T | None:
        """The next item, or None; its asker goes to the end of the row."""
        if not self._items:
            return None
        asker, waiting = self._items.popitem(last=False)
        item = waiting.popleft()
        if waiting:
            self._items[asker] = waiting
        self._count -= 1
        return item
