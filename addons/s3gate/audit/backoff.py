"""How long to wait before the next attempt: doubling from 0.2 s to 30 s, with jitter. Pure."""

from dataclasses import dataclass
from typing import Final

FIRST_S: Final = 0.2  # shorter than a throttled second of CloudWatch's per-second quota
MAX_S: Final = 30.0  # an outage that ends is noticed within half a minute
DOUBLINGS_MAX: Final = 32  # keeps the power finite; the maximum is reached long before


@dataclass(frozen=True, slots=True)
class Backoff:
    """Where a row of failures stands; a value, each failure gives the next one.

    Args:
        first_s: the longest first wait, seconds.
        max_s: the longest wait, seconds.
        failures: how many in a row so far.
    """

    first_s: float = FIRST_S
    max_s: float = MAX_S
    failures: int = 0

    def after_failure(self) -> "Backoff":
        """The state after one more failure."""
        return Backoff(self.first_s, self.max_s, min(self.failures + 1, DOUBLINGS_MAX))

    def delay_s(self, draw: float) -> float:
        """Seconds to wait now: between half of the step and the whole of it.

        Args:
            draw: a random number from 0 to 1, so that many writers do not return at once.
        """
        if not self.failures:
            return 0.0
        step = min(self.max_s, self.first_s * 2.0 ** (self.failures - 1))
        return step * (0.5 + draw / 2)
