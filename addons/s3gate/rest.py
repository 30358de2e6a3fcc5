"""How long to wait before a worker that ended is replaced. Pure.

The normal case: not at all. One that ends again and again waits longer each time.
"""

from dataclasses import dataclass
from typing import Final

QUICK_S: Final = 10.0  # a worker that did not live so long ended at once
FIRST_DELAY_S: Final = 0.5  # before the second replacement of a row; the first does not wait
MAX_DELAY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Rest:
    """How long to wait before the next replacement.

    Args:
        row: how many workers in a row ended at once.
    """

    row: int = 0

    def after(self, lived_s: float) -> "Rest":
        """The rest when one more has ended."""
        return Rest(self.row + 1) if lived_s < QUICK_S else Rest(1)

    @property
    def delay_s(self) -> float:
        """Seconds; none the first time."""
        return 0.0 if self.row <= 1 else float(min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (self.row - 2)))
